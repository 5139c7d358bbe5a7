using System.Collections.Immutable;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Builds.Execution.Sandbox;
using Builds.Execution.Slots;

namespace Builds.Execution.Networks;

/// <summary>
/// A network for each sandbox of a silo that is an ordinary user, by slirp4netns: what builds send, it sends as a program of that user. What they
/// must not reach (<see cref="SlotNetworks"/>) is refused inside, where no build may change it.
/// </summary>
internal sealed class OwnNetwork
{
    /// <summary>Among the tools of sandboxes: slirp4netns resolves names as this machine does.</summary>
    public const string ResolverFile = "resolv.conf";
    public const string ResolverText = "nameserver 10.0.2.3\n";

    private const string Device = "/dev/net/tun";

    /// <summary>The rules; then what root may do by right elsewhere, but has no say over here, is allowed to all: ping, and low ports; then the rest of the command line.</summary>
    private const string Script = """
        printf '%s\n' "$0" | "$1" -f -
        echo '0 65535' >/proc/sys/net/ipv4/ping_group_range
        echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
        shift
        exec "$@"
        """;

    private static readonly string[] Places = ["/usr/bin/slirp4netns", "/usr/local/bin/slirp4netns"];
    private readonly string _program, _nft;
    private readonly ExecutionOptions _options;

    private OwnNetwork(ExecutionOptions options, string program, string nft) => (_options, _program, _nft) = (options, program, nft);

    /// <summary>Tries such a network. Null and why there is none, with what mends it.</summary>
    public static async Task<(OwnNetwork? Network, string? Why)> Open(ExecutionOptions options, GuardProgram guard, SubordinateUsers users)
    {
        if (Places.FirstOrDefault(File.Exists) is not { } program) return (null, "slirp4netns is not installed; to mend it: apt-get install slirp4netns");
        if (SlotNetworks.FindNft() is not { } nft) return (null, SlotNetworks.NoNft);
        try
        {
            File.Open(Device, FileMode.Open, FileAccess.ReadWrite).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, $"this user may not open {Device}; to mend it, as root: modprobe tun; chmod 666 {Device}");
        }
        var network = new OwnNetwork(options, program, nft);
        var (path, arguments) = network.Within(guard, [.. users.Words]);
        var end = await Tool.Run(path, [.. arguments, "/bin/true"]);
        return end.Code == 0 ? (network, null) : (null, $"a trial of slirp4netns failed: {end.Words.ReplaceLineEndings("; ")}");
    }

    /// <summary>The beginning of a command line whose rest has the network, once more with words of <c>init enter</c>.</summary>
    public (string Program, ImmutableArray<string> Arguments) Within(GuardProgram guard, ImmutableArray<string> words) =>
        guard.Around([.. words, $"network={_program}"], "/bin/sh", ["-ec", Script, Rules(), _nft]);

    private string Rules()
    {
        var allowed = SlotNetworks.Split(_options.AllowedAddresses);
        // The machine's addresses as they are now: slirp4netns would reach the services there as any program of this user does.
        var machine = NetworkInterface.GetAllNetworkInterfaces().SelectMany(one => one.GetIPProperties().UnicastAddresses).Select(one => one.Address)
            .Where(address => address.AddressFamily == AddressFamily.InterNetwork).Select(address => $"{address}").Where(address => address != "127.0.0.1").Distinct();
        // Whatever else it answers at its own addresses leads to loopback here, where the one that resolves names may be.
        string[] refused = [.. SlotNetworks.Metadata, .. SlotNetworks.Split(_options.RefusedAddresses)];
        return $$"""
            table inet builds {
              chain output {
                type filter hook output priority 0; policy accept;
                oifname "lo" accept
                ip daddr 10.0.2.3 meta l4proto { tcp, udp } th dport 53 accept
                ip daddr 10.0.2.0/24 reject
                {{Rule(allowed, "accept")}}
                {{Rule([.. machine], "reject")}}
                {{Rule(refused, "reject")}}
                ip6 daddr ::/0 reject
              }
            }
            """;
    }

    private static string Rule(string[] addresses, string verdict) => addresses.Length == 0 ? "" : $"ip daddr {{ {string.Join(", ", addresses)} }} {verdict}";
}
