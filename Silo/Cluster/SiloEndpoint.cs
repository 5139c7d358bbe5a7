using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Builds.Storage;

namespace Builds.Cluster;

/// <summary>Where other silos reach this one, and where it listens for them.</summary>
internal sealed record SiloEndpoint(IPEndPoint Advertised, IPEndPoint Listening)
{
    /// <summary>Throws <see cref="ClusterException"/> where an address is none, or the database's host is not to be found.</summary>
    public static async Task<SiloEndpoint> Of(ClusterOptions options)
    {
        var advertised = options.Advertise is { Length: > 0 } given
            ? Parse(given, options.SiloPort)
            : new IPEndPoint(await AddressTowards(options.ConnectionString!), options.SiloPort);
        var listen = options.Listen is { Length: > 0 } address
            ? IPAddress.TryParse(address, out var parsed) ? parsed : throw NoAddress(nameof(ClusterOptions.Listen), address, "0.0.0.0 or 10.0.0.5")
            : advertised.Address;
        return new SiloEndpoint(advertised, new IPEndPoint(listen, options.SiloPort));
    }

    /// <summary>
    /// Throws <see cref="ClusterException"/> where another process listens there: Orleans shares a port that is in use, and takes the silo that
    /// has it for a former start of its own, which it declares dead.
    /// </summary>
    public void RefuseInUse()
    {
        using var probe = new Socket(Listening.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(Listening);
            probe.Listen(1);
        }
        catch (SocketException error)
        {
            throw new ClusterException(
                error.SocketErrorCode == SocketError.AddressAlreadyInUse
                    ? $"another process of this machine, perhaps a silo, listens on {Listening}. Give this silo a port of its own with --silo-port, the same at every start."
                    : $"this silo cannot listen on {Listening} for other silos: {error.Message}. Correct --silo-port, --advertise or {ClusterOptions.Section}:{nameof(ClusterOptions.Listen)}.",
                error);
        }
    }

    private static IPEndPoint Parse(string text, int port)
    {
        // A whole IPv6 address is an address without a port, however many colons it has.
        if (IPAddress.TryParse(text, out var address))
            return new IPEndPoint(address, port);
        return IPEndPoint.TryParse(text, out var endpoint) && endpoint.Port > 0 ? endpoint : throw NoAddress(nameof(ClusterOptions.Advertise), text, "10.0.0.5 or 10.0.0.5:11111");
    }

    private static ClusterException NoAddress(string setting, string value, string example) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{ClusterOptions.Section}:{setting} is '{value}', which is no IP address; it looks like {example}."));

    /// <summary>The address from which this machine sends to the database: its silos are most likely beside it.</summary>
    private static async Task<IPAddress> AddressTowards(string connectionString)
    {
        var database = PostgresSettings.Read(connectionString);
        var host = database.Host?.Split(',')[0].Trim() ?? "";
        if (host.Length == 0 || host.StartsWith('/') || host.StartsWith('@'))
            return IPAddress.Loopback; // A socket in the file system: database and silo are on one machine.
        try
        {
            var target = (await Dns.GetHostAddressesAsync(host.Split(':')[0]))[0];
            using var probe = new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            // Sends nothing: the system only chooses the way.
            await probe.ConnectAsync(new IPEndPoint(target, database.Port));
            return ((IPEndPoint)probe.LocalEndPoint!).Address;
        }
        catch (SocketException error)
        {
            throw new ClusterException($"the database's host '{host}' cannot be found: {error.Message}. Correct --cluster, or say with --advertise under which address other silos reach this one.", error);
        }
    }
}
