using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Storage;

namespace Builds.Storage;

/// <summary>
/// Grain storage of a silo whose writes end with its membership: once it was declared dead, each is refused as a conflict (SQL:
/// <c>silo_is_dead</c>). One that the database was just carrying out may still land.
/// </summary>
internal static class MemberStorage
{
    public static AdoNetGrainStorage Create(IServiceProvider services, string name)
    {
        var options = services.GetRequiredService<IOptionsMonitor<AdoNetGrainStorageOptions>>().Get(name);
        var silo = services.GetRequiredService<ILocalSiloDetails>().SiloAddress;
        // The one value of the silo's that the provider hands on to the statements.
        var writer = new Orleans.Configuration.ClusterOptions { ServiceId = $"{silo.Endpoint.Address} {silo.Endpoint.Port} {silo.Generation}" };
        return ActivatorUtilities.CreateInstance<AdoNetGrainStorage>(services, Options.Create(options), Options.Create(writer), name);
    }
}
