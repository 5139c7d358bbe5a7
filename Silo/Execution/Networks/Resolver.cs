using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Builds.Execution.Sandbox;

namespace Builds.Execution.Networks;

/// <summary>Who resolves names for builds: whoever does it for the machine.</summary>
internal static class Resolver
{
    /// <summary>Where systemd-resolved says whom it asks itself.</summary>
    private const string Upstream = "/run/systemd/resolve/resolv.conf";

    /// <summary>The file that says so; null: there is none.</summary>
    /// <param name="ownNetwork">Whether loopback is the build's own, where nobody answers.</param>
    public static string? File(bool ownNetwork)
    {
        var file = RealPath.Of("/etc/resolv.conf");
        if (ownNetwork && System.IO.File.Exists(Upstream) && Servers(file).All(IPAddress.IsLoopback)) return Upstream;
        return System.IO.File.Exists(file) ? file : null;
    }

    /// <summary>The IPv4 addresses that a build with a network of its own asks.</summary>
    public static ImmutableArray<IPAddress> Servers() =>
        File(ownNetwork: true) is { } file ? [.. Servers(file).Where(server => server.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(server))] : [];

    /// <summary>Whether there are servers, and a build with a network of its own reaches none of them.</summary>
    public static bool IsLoopbackAlone => Servers().IsEmpty && File(ownNetwork: true) is { } file && Servers(file).Any();

    private static IEnumerable<IPAddress> Servers(string file) => !System.IO.File.Exists(file) ? [] : System.IO.File.ReadLines(file)
        .Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        .Where(words => words is ["nameserver", _, ..]).Select(words => IPAddress.TryParse(words[1], out var address) ? address : null).OfType<IPAddress>();
}
