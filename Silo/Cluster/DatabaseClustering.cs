using Builds.Queue;
using Builds.Storage;
using Orleans.Configuration;
using Orleans.Runtime.GrainDirectory;
using Orleans.Serialization;

namespace Builds.Cluster;

/// <summary>A silo of a cluster whose members find each other through the database.</summary>
internal static class DatabaseClustering
{
    public static ISiloBuilder UseDatabaseClustering(this ISiloBuilder silo, MemberSilo member, SiloTlsOptions tls)
    {
        silo.Configure<Orleans.Configuration.ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = (member.Options.Id, MemberSilo.ServiceId));
        silo.Configure<SiloOptions>(options => options.SiloName = member.Name);
        silo.Configure<EndpointOptions>(endpoints =>
        {
            endpoints.AdvertisedIPAddress = member.Endpoint.Advertised.Address;
            endpoints.SiloPort = member.Endpoint.Advertised.Port;
            endpoints.SiloListeningEndpoint = member.Endpoint.Listening;
            // The front door is inside the silo: nobody needs to come in as a client.
            endpoints.GatewayPort = 0;
        });
        // A killed silo is noticed in about two seconds, a frozen one in about seven. Its own jobs wait for the lease in any case; but if
        // it had the queue, the leases of all others run on meanwhile, and last five seconds.
        silo.Configure<ClusterMembershipOptions>(membership =>
        {
            membership.ProbeTimeout = TimeSpan.FromSeconds(1);
            membership.MinProbeTimeout = TimeSpan.FromMilliseconds(500);
            membership.MaxProbeTimeout = TimeSpan.FromSeconds(2);
            membership.NumMissedProbesLimit = 3;
            membership.TableRefreshTimeout = TimeSpan.FromSeconds(10);
            membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(10);
            membership.DefunctSiloCleanupPeriod = TimeSpan.FromMinutes(10);
            membership.DefunctSiloExpiration = TimeSpan.FromDays(1);
        });
        silo.Services.AddDatabaseErrors();
        silo.Services.AddSingleton<IFatalErrorHandler, SiloGivenUp>();
        silo.Services.AddSingleton<DatabaseDirectory>();
        silo.Services.AddSingleton<IQueuePlace>(provider => provider.GetRequiredService<DatabaseDirectory>());
        silo.Services.AddSingleton<IGrainDirectoryResolver, QueueDirectory>();
        silo.UseSiloTls(tls);
        return silo.UseBuildsMembership(member.Database);
    }

    /// <summary>
    /// Lets errors of the database pass from silo to silo. Otherwise the caller would hear that there is no codec for them, which looks like our
    /// mistake and not like a database that does not answer.
    /// </summary>
    internal static IServiceCollection AddDatabaseErrors(this IServiceCollection services) =>
        services.Configure<ExceptionSerializationOptions>(options => options.SupportedNamespacePrefixes.Add(nameof(Npgsql)));
}
