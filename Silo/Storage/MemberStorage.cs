using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Storage;

namespace Builds.Storage;

/// <summary>
/// Grain storage of a silo whose writes end with its membership: once it was declared dead, the statement refuses each as a conflict. One
/// that the database is just carrying out may still land.
/// </summary>
internal static class MemberStorage
{
    public static AdoNetGrainStorage Create(IServiceProvider services, string name)
    {
        var options = services.GetRequiredService<IOptionsMonitor<AdoNetGrainStorageOptions>>().Get(name);
        var self = services.GetRequiredService<ILocalSiloDetails>();
        var silo = self.SiloAddress;
        // The one value of the silo's that the provider hands on to the statements.
        var writer = new Orleans.Configuration.ClusterOptions { ServiceId = $"{silo.Endpoint.Address} {silo.Endpoint.Port} {silo.Generation} {self.ClusterId}" };
        return ActivatorUtilities.CreateInstance<AdoNetGrainStorage>(services, Options.Create(options), Options.Create(writer), name);
    }
}
