using System.Net;
using System.Net.Sockets;
using Builds.Cluster;

namespace Builds.Tests.Cluster;

/// <summary>What is refused before a silo shows itself to others: afterwards it could do harm.</summary>
public sealed class SiloEndpointTests
{
    /// <summary>As Orleans opens its own: it shares the port with whoever does the same.</summary>
    [Fact]
    public async Task A_port_on_which_another_silo_listens_is_refused()
    {
        using var silo = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silo.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        silo.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        silo.Listen();
        var endpoint = await SiloEndpoint.Of(Options(((IPEndPoint)silo.LocalEndPoint!).Port));

        var refusal = Assert.Throws<ClusterException>(endpoint.RefuseInUse);

        Assert.Contains($"listens on {endpoint.Listening}", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("--silo-port", refusal.Message, StringComparison.Ordinal);
        silo.Close();
        endpoint.RefuseInUse();
        endpoint.RefuseInUse();
    }

    [Fact]
    public async Task A_connection_string_that_cannot_be_read_is_refused_without_its_password()
    {
        var options = new ClusterOptions { ConnectionString = "Host=127.0.0.1;Password=one;two;Database=builds", SiloPort = 1 };

        var refusal = await Assert.ThrowsAsync<ClusterException>(() => SiloEndpoint.Of(options));

        Assert.DoesNotContain("two", refusal.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    private static ClusterOptions Options(int port) => new() { ConnectionString = "Host=127.0.0.1", SiloPort = port };
}
