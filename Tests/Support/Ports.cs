using System.Net;
using System.Net.Sockets;

namespace Builds.Support;

/// <summary>Ports for what cannot choose one by itself, or must keep it over its starts.</summary>
internal static class Ports
{
    /// <summary>One that nobody on this machine has now.</summary>
    public static int Free()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
