using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Builds.Triggers;

/// <summary>
/// Where webhooks may go: they are sent by whoever may submit a job, from inside the operator's network. Public unicast addresses, and what
/// the operator allows; not this machine's own, whatever they are.
/// </summary>
internal sealed class TargetAddresses(ImmutableArray<IPNetwork> allowed, Func<IReadOnlySet<IPAddress>> own)
{
    /// <summary>What is not for everybody in the special-purpose registries (RFC 6890 and its successors), and the metadata service of Azure.</summary>
    private static readonly ImmutableArray<(IPNetwork Network, string What)> Kept =
    [
        (IPNetwork.Parse("0.0.0.0/8"), "no address of a host"),
        (IPNetwork.Parse("10.0.0.0/8"), "private"),
        (IPNetwork.Parse("100.64.0.0/10"), "private, behind a carrier's translation"),
        (IPNetwork.Parse("127.0.0.0/8"), "loopback"),
        (IPNetwork.Parse("168.63.129.16/32"), "a metadata service"),
        (IPNetwork.Parse("169.254.0.0/16"), "link-local, as metadata services are"),
        (IPNetwork.Parse("172.16.0.0/12"), "private"),
        (IPNetwork.Parse("192.0.0.0/24"), "reserved"),
        (IPNetwork.Parse("192.0.2.0/24"), "for documentation"),
        (IPNetwork.Parse("192.88.99.0/24"), "reserved"),
        (IPNetwork.Parse("192.168.0.0/16"), "private"),
        (IPNetwork.Parse("198.18.0.0/15"), "private, for benchmarks"),
        (IPNetwork.Parse("198.51.100.0/24"), "for documentation"),
        (IPNetwork.Parse("203.0.113.0/24"), "for documentation"),
        (IPNetwork.Parse("224.0.0.0/4"), "multicast"),
        (IPNetwork.Parse("240.0.0.0/4"), "reserved"),
        (IPNetwork.Parse("::/128"), "no address of a host"),
        (IPNetwork.Parse("::1/128"), "loopback"),
        (IPNetwork.Parse("fc00::/7"), "private"),
        (IPNetwork.Parse("fe80::/10"), "link-local"),
        (IPNetwork.Parse("fec0::/10"), "private"),
        (IPNetwork.Parse("ff00::/8"), "multicast"),
        (IPNetwork.Parse("2001::/23"), "reserved, as tunnels are"),
        (IPNetwork.Parse("2001:db8::/32"), "for documentation"),
        (IPNetwork.Parse("3fff::/20"), "for documentation"),
    ];

    private static readonly IPNetwork Public6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");

    /// <summary>By the settings, and the machine as it is at each question.</summary>
    public static TargetAddresses Of(TriggerOptions options) => new(options.AllowedNetworks, OwnAddresses);

    /// <summary>Why nothing may be sent there, in a word or two; null: it may.</summary>
    public string? Refusal(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (allowed.Any(network => network.Contains(plain)))
            return null;
        if (own().Contains(plain))
            return "this machine's own";
        if (Kept.FirstOrDefault(kept => kept.Network.Contains(plain)) is { What: { } what })
            return what;
        if (plain.AddressFamily == AddressFamily.InterNetwork)
            return null;
        if (Inside(plain) is { } inside)
            return Refusal(inside) is { } why ? $"a form of one that is {why}" : null;
        return Public6.Contains(plain) ? null : "not public";
    }

    /// <summary>The IPv4 address that a router takes out of an IPv6 one (RFC 6052, section 2.2; RFC 3056, section 2).</summary>
    private static IPAddress? Inside(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        return Nat64.Contains(address) ? new IPAddress(bytes.AsSpan(12, 4)) : SixToFour.Contains(address) ? new IPAddress(bytes.AsSpan(2, 4)) : null;
    }

    private static HashSet<IPAddress> OwnAddresses() =>
        [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(each => each.GetIPProperties().UnicastAddresses).Select(unicast => WithoutScope(unicast.Address))];

    private static IPAddress WithoutScope(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? new IPAddress(address.GetAddressBytes()) : address;
}
