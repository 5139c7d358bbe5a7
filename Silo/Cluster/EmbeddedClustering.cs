using System.Net;
using Orleans.Configuration;

namespace Builds.Cluster;

/// <summary>A cluster of one silo, which nobody can join or call.</summary>
internal static class EmbeddedClustering
{
    /// <summary>A name in the silo's address and no more: nothing listens there.</summary>
    private const int NominalPort = 11111;

    public static ISiloBuilder UseEmbeddedClustering(this ISiloBuilder silo)
    {
        silo.UseLocalhostClustering(NominalPort, gatewayPort: 0, serviceId: "builds", clusterId: "builds");
        silo.Configure<EndpointOptions>(endpoints =>
        {
            // The silo insists on listening. A free port, on this machine only ...
            endpoints.AdvertisedIPAddress = IPAddress.Loopback;
            endpoints.SiloListeningEndpoint = new IPEndPoint(IPAddress.Loopback, 0);
        });
        // ... and whoever finds it is shown out before a byte is read: the protocol has no authentication.
        silo.Configure<SiloConnectionOptions>(connections => connections.ConfigureSiloInboundConnection(
            inbound => inbound.Use(_ => connection =>
            {
                connection.Abort();
                return Task.CompletedTask;
            })));
        return silo;
    }
}
