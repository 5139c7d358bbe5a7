using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Builds.Triggers;

/// <summary>
/// Connections to where strangers say, and to nowhere else that matters: a name is looked up once, each of its addresses is looked at, and
/// the one that was looked at is the one connected to, so that a name cannot mean something else a moment later.
/// </summary>
internal sealed class GuardedConnections(INames names, TargetAddresses addresses)
{
    /// <summary>KiB of an answer's headers; its body is not read at all.</summary>
    private const int MostHeaders = 16;

    /// <summary>For a client that follows no redirect, knows no proxy, cookie or login of the environment, and keeps no connection.</summary>
    public SocketsHttpHandler Handler() => new()
    {
        ConnectCallback = Connect,
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.Zero,
        MaxResponseHeadersLength = MostHeaders,
        ActivityHeadersPropagator = null,
        SslOptions = new SslClientAuthenticationOptions
        {
            // A certificate may name addresses to load others from, and those would be loaded from anywhere.
            CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck },
        },
    };

    private async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host;
        var found = IPAddress.TryParse(host, out var literal) ? [literal] : await names.Resolve(host, cancellationToken);
        var refused = "";
        Exception? failed = null;
        foreach (var address in found)
        {
            if (addresses.Refusal(address) is { } why)
            {
                // Not which: what names mean inside a network is not for whoever reads it.
                refused = $"its address is {why}";
                continue;
            }

            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception error)
            {
                socket.Dispose();
                if (error is not SocketException)
                    throw;
                failed = error;
            }
        }

        if (failed is not null)
            throw failed;
        throw new AddressRefusedException(refused.Length > 0 ? refused : "it has no address");
    }
}

/// <summary>Webhooks may not go there.</summary>
internal sealed class AddressRefusedException(string why) : IOException(why);
