using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Builds.Execution.Sandbox;

namespace Builds.Execution.Networks;

/// <summary>
/// A network for each slot, from which builds reach what this machine reaches through its address, but neither the machine itself, nor each
/// other, nor the addresses where clouds tell secrets. One pair of interfaces and one network namespace for each slot, made when it is first
/// used and named after its user, which no other silo of this machine has; the rules are one table of nftables for each process.
/// </summary>
internal sealed class SlotNetworks : IAsyncDisposable
{
    /// <summary>What clouds give to whoever asks from one of their machines.</summary>
    public static readonly ImmutableArray<string> Metadata = ["169.254.0.0/16", "100.100.100.200", "168.63.129.16", "192.0.0.192"];

    private const string TablePrefix = "builds_";
    private const string NamespaceFiles = "/run/netns";
    private static readonly string[] IpPlaces = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"], NftPlaces = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"];

    private readonly string _ip, _nft, _table;
    private readonly ExecutionOptions _options;
    private IReadOnlyCollection<string> _refused = [];

    /// <summary>The users that have one, or half of one: false.</summary>
    private readonly ConcurrentDictionary<uint, bool> _made = [];
    private readonly SemaphoreSlim _making = new(1);

    private SlotNetworks(ExecutionOptions options, string mark, string ip, string nft) =>
        (_options, _table, _ip, _nft) = (options, string.Create(CultureInfo.InvariantCulture, $"{TablePrefix}{mark[^8..]}_{Environment.ProcessId}"), ip, nft);

    public const string NoNft = "nft is not installed; to mend it: apt-get install nftables";

    /// <summary>Where nft is, or null.</summary>
    public static string? FindNft() => NftPlaces.FirstOrDefault(File.Exists);

    /// <summary>The networks of a data directory, or null and why there are none. For a silo that is root.</summary>
    /// <param name="first">Whose network is made at once, as a trial: installed is not the same as working.</param>
    public static async Task<(SlotNetworks? Networks, string? Why)> Open(ExecutionOptions options, string mark, uint first)
    {
        if (IpPlaces.FirstOrDefault(File.Exists) is not { } ip) return (null, "ip is not installed; to mend it: apt-get install iproute2");
        if (FindNft() is not { } nft) return (null, NoNft);
        var networks = new SlotNetworks(options, mark, ip, nft);
        try
        {
            await networks.WriteRules();
            await networks.Of(first);
            return (networks, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await networks.DisposeAsync();
            return (null, e.Message);
        }
    }

    /// <summary>The file of the network namespace of the slot that has a user. Throws <see cref="IOException"/> if it cannot be made.</summary>
    public async Task<string> Of(uint user)
    {
        if (IsMade(user)) return FileOf(user);
        await _making.WaitAsync();
        try
        {
            if (IsMade(user)) return FileOf(user);
            _made[user] = false;
            await Make(user);
            _made[user] = true;
            return FileOf(user);
        }
        finally
        {
            _making.Release();
        }
    }

    /// <summary>Refuses these addresses, beside those of the settings and instead of those before, all at once. Throws <see cref="IOException"/>.</summary>
    public Task Refuse(IReadOnlyCollection<string> addresses)
    {
        _refused = addresses;
        return Run(_nft, $"flush set inet {_table} refused{(addresses.Count == 0 ? "" : $"; add element inet {_table} refused {{ {string.Join(", ", addresses)} }}")}");
    }

    /// <summary>Writes the rules again if they are gone, as they are after a firewall of this machine was loaded anew; whether they were. Throws <see cref="IOException"/>.</summary>
    public async Task<bool> Mend()
    {
        await _making.WaitAsync();
        try
        {
            if ((await Tables()).Contains(_table)) return false;
            await WriteRules();
            return true;
        }
        finally
        {
            _making.Release();
        }
    }

    /// <summary>Removes the networks that were made here, and their rules.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var user in _made.Keys) await Remove(Name(user));
        }
        catch (IOException)
        {
            // It is nobody's from now on, and so the next sweep of any silo removes it, or says why not.
        }
        await Tool.Run(_nft, "delete", "table", "inet", _table);
        _making.Dispose();
    }

    /// <summary>Removes networks whose silo is gone, of whatever data directory; how many there were.</summary>
    /// <param name="hold">Holds a user that no silo of this machine has; null: one has it.</param>
    public async Task<int> Sweep(Func<uint, IDisposable?> hold)
    {
        const string Prefix = "builds";
        if (!Directory.Exists(NamespaceFiles)) return 0;
        var removed = 0;
        foreach (var name in Directory.EnumerateFiles(NamespaceFiles, $"{Prefix}*").Select(path => Path.GetFileName(path)!))
        {
            if (!uint.TryParse(name[Prefix.Length..], CultureInfo.InvariantCulture, out var user) || _made.ContainsKey(user)) continue;
            // Until it is gone: who takes the user in between makes a network of the same name.
            using var held = hold(user);
            if (held is null) continue;
            await Remove(name);
            removed++;
        }
        foreach (var table in await Tables())
        {
            if (!int.TryParse(table[(table.LastIndexOf('_') + 1)..], CultureInfo.InvariantCulture, out var process) || Directory.Exists($"/proc/{process}")) continue;
            var end = await Tool.Run(_nft, "delete", "table", "inet", table);
            // Another silo of this machine sweeps too.
            if (end.Code != 0 && (await Tables()).Contains(table)) throw Failure(_nft, ["delete", "table", table], end);
            removed++;
        }
        return removed;
    }

    private bool IsMade(uint user) => _made.TryGetValue(user, out var whole) && whole && File.Exists(FileOf(user));

    private async Task<IEnumerable<string>> Tables()
    {
        // Nowhere that others may write: who laid a link there would have root write where it leads.
        var listed = await Tool.Output(Path.Combine(_options.DataDirectory, $"tables.{Environment.ProcessId}"), _nft, "list", "tables");
        return listed.Split('\n').Select(line => line.Split(' ')[^1]).Where(table => table.StartsWith(TablePrefix, StringComparison.Ordinal));
    }

    private static string Name(uint user) => string.Create(CultureInfo.InvariantCulture, $"builds{user}");

    private async Task Remove(string name)
    {
        // The pair first: with its namespace it would go too, but only after a while.
        // Both may vanish at any moment, since other silos of this machine sweep too.
        if (Directory.Exists($"/sys/class/net/{name}") && await Tool.Run(_ip, "link", "delete", name) is { Code: not 0 } link && Directory.Exists($"/sys/class/net/{name}"))
            throw Failure(_ip, ["link", "delete", name], link);
        if (File.Exists($"{NamespaceFiles}/{name}") && await Tool.Run(_ip, "netns", "delete", name) is { Code: not 0 } space && File.Exists($"{NamespaceFiles}/{name}"))
            throw Failure(_ip, ["netns", "delete", name], space);
    }

    private static string FileOf(uint user) => $"{NamespaceFiles}/{Name(user)}";

    private async Task Make(uint user)
    {
        var name = Name(user);
        // The user is ours, so what bears its name is what a silo left that is gone.
        await Remove(name);
        var (ours, theirs) = Addresses(user);
        string[] inside = ["-n", name];
        // Before there is anything that it could let through.
        await Run(_nft, "add", "element", "inet", _table, "mine", $"{{ {name} }}");
        await Run(_ip, "netns", "add", name);
        await Run(_ip, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
        await Run(_ip, "address", "add", $"{ours}/30", "dev", name);
        await Run(_ip, "link", "set", name, "up");
        await Run(_ip, [.. inside, "address", "add", $"{theirs}/30", "dev", "eth0"]);
        await Run(_ip, [.. inside, "link", "set", "lo", "up"]);
        await Run(_ip, [.. inside, "link", "set", "eth0", "up"]);
        await Run(_ip, [.. inside, "route", "add", "default", "via", $"{ours}"]);
        // Root inside has no say over the network, so what root may do by right elsewhere is allowed to all: ping, and low ports.
        await Run(_ip, "netns", "exec", name, "/bin/sh", "-ec",
            "echo '0 2147483647' >/proc/sys/net/ipv4/ping_group_range; echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start");
    }

    /// <summary>The machine's end and the build's: four addresses for each user.</summary>
    private (IPAddress Ours, IPAddress Theirs) Addresses(uint user)
    {
        var first = IPNetwork.Parse(_options.Networks).BaseAddress.GetAddressBytes();
        var number = (uint)((first[0] << 24) | (first[1] << 16) | (first[2] << 8) | first[3]) + (user - (uint)_options.FirstUser) * 4;
        return (At(number + 1), At(number + 2));

        static IPAddress At(uint number) => new([(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number]);
    }

    private async Task WriteRules()
    {
        const string Forwarding = "/proc/sys/net/ipv4/ip_forward";
        var allowed = Set(_options.AllowedAddresses);
        // In clouds the resolver may be at the very address that also tells secrets.
        var names = Resolver.Servers() is { Length: > 0 } servers ? $"iifname @mine ip daddr {{ {string.Join(", ", servers)} }} meta l4proto {{ tcp, udp }} th dport 53 accept" : "";
        var refused = string.Join(", ", Metadata.AddRange(Split(_options.RefusedAddresses)));
        await Run(_nft, $$"""
            add table inet {{_table}}
            delete table inet {{_table}}
            table inet {{_table}} {
              set mine {
                type ifname
                {{Elements(_made.Keys.Select(Name))}}
              }
              set refused {
                type ipv4_addr
                {{Elements(_refused)}}
              }
              chain input {
                type filter hook input priority 0; policy accept;
                {{(allowed is null ? "" : $"iifname @mine ip daddr {allowed} accept")}}
                {{names}}
                iifname @mine reject
              }
              chain forward {
                type filter hook forward priority 0; policy accept;
                oifname @mine ct state { established, related } accept
                oifname @mine reject
                {{(allowed is null ? "" : $"iifname @mine ip daddr {allowed} accept")}}
                iifname @mine oifname "builds*" reject
                {{names}}
                iifname @mine ip daddr @refused reject
                iifname @mine ip daddr { {{refused}} } reject
                iifname @mine ip6 daddr ::/0 reject
              }
              chain leave {
                type nat hook postrouting priority 100; policy accept;
                ip saddr {{_options.Networks}} oifname != "builds*" masquerade
              }
            }
            """);
        if ((await File.ReadAllTextAsync(Forwarding)).Trim() == "0") await File.WriteAllTextAsync(Forwarding, "1");
    }

    private static string Elements(IEnumerable<string> elements) => string.Join(", ", elements) is { Length: > 0 } all ? $"elements = {{ {all} }}" : "";

    private static string? Set(string? addresses) => Split(addresses) is { Length: > 0 } list ? $"{{ {string.Join(", ", list)} }}" : null;

    /// <summary>The addresses and networks of a setting.</summary>
    public static string[] Split(string? addresses) => addresses?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    private static async Task Run(string program, params string[] arguments)
    {
        var end = await Tool.Run(program, arguments);
        if (end.Code != 0) throw Failure(program, arguments, end);
    }

    private static IOException Failure(string program, IEnumerable<string> arguments, GuardEnd end) =>
        // Of a text of many lines, which nft says in its own words, the first will do.
        new($"{Path.GetFileName(program)} {string.Join(' ', arguments.Take(4)).Split('\n')[0]}: {(end.Words.Length > 0 ? end.Words.ReplaceLineEndings("; ") : $"status {end.Code}")}");
}
