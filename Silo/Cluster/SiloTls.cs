using Microsoft.AspNetCore.Connections;
using Orleans.Configuration;
using Orleans.Connections.Security;

namespace Builds.Cluster;

/// <summary>Mutual TLS between silos.</summary>
internal static class SiloTls
{
    /// <summary>A name for the hand-shake, which needs one. It is not compared: silos are known by their authority, not by their address.</summary>
    private const string AnySilo = "silo.builds.invalid";

    /// <summary>
    /// Every connection between silos asks both sides for a certificate of the same authority. Does nothing if the settings name none.
    /// Throws <see cref="ClusterException"/> if the files they name are no good.
    /// </summary>
    public static ISiloBuilder UseSiloTls(this ISiloBuilder silo, SiloTlsOptions options, TimeProvider? clock = null)
    {
        if (!options.IsOn)
            return silo;
        var certificates = new SiloTlsCertificates(options, clock ?? TimeProvider.System);
        return silo.Configure<SiloConnectionOptions>(connections =>
        {
            connections.ConfigureSiloInboundConnection(inbound => inbound.UseServerTls(Settings(inbound)));
            connections.ConfigureSiloOutboundConnection(outbound => outbound.UseClientTls(Settings(outbound)));
            // No client comes in this way; should a gateway be opened by mistake, it is not an open door.
            connections.ConfigureGatewayInboundConnection(gateway => gateway.UseServerTls(Settings(gateway)));
        });

        TlsOptions Settings(IConnectionBuilder connection)
        {
            var logger = connection.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(SiloTls));
            return new TlsOptions
            {
                HandshakeTimeout = options.Handshake,
                RemoteCertificateMode = RemoteCertificateMode.RequireCertificate,
                RemoteCertificateValidation = (certificate, _, _) => certificates.Believe(certificate, logger),
                LocalServerCertificateSelector = (_, _) => certificates.Current(logger).Certificate,
                LocalClientCertificateSelector = (_, _, _, _, _) => certificates.Current(logger).Certificate,
                OnAuthenticateAsClient = (_, client) => client.TargetHost = AnySilo,
            };
        }
    }
}
