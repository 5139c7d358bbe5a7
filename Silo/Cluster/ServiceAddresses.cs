using System.Collections.Immutable;
using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using Builds.Execution;
using Npgsql;

namespace Builds.Cluster;

/// <summary>
/// Keeps this machine's builds from the addresses of the database and of the other silos, whose ports no build has any business with: the
/// protocol between silos has no authentication of its own. Looked up at the start and whenever a silo comes or goes.
/// </summary>
internal sealed partial class ServiceAddresses(
    IClusterMembershipService membership, ILocalSiloDetails self, MemberSilo member, BuildExecutor executor, TimeProvider time, ILogger<ServiceAddresses> logger) : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);

    private ImmutableSortedSet<string>? _refused;
    private ImmutableArray<IPAddress> _database = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var _ in membership.MembershipUpdates.WithCancellation(stoppingToken))
            while (!await Refuse(stoppingToken))
                await Task.Delay(RetryAfter, time, stoppingToken);
    }

    /// <summary>False: not all of them are refused.</summary>
    private async Task<bool> Refuse(CancellationToken cancellationToken)
    {
        try
        {
            var why = await LookUp(cancellationToken);
            var silos = membership.CurrentSnapshot.Members.Values
                .Where(other => other.Status != SiloStatus.Dead && !other.SiloAddress.Equals(self.SiloAddress)).Select(other => other.SiloAddress.Endpoint.Address);
            var addresses = _database.Concat(silos).Where(address => address.AddressFamily == AddressFamily.InterNetwork).Select(address => address.ToString()).ToImmutableSortedSet(StringComparer.Ordinal);
            if (_refused is null || !addresses.SetEquals(_refused)) await executor.Refuse(addresses, cancellationToken);
            _refused = addresses;
            if (why is not null) LogNotRefused(why);
            return why is null;
        }
        catch (Exception e) when (e is IOException or Win32Exception or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            LogNotRefused(e.Message);
            return false;
        }
    }

    /// <summary>Null, or why the database's addresses are not known, or only as they were.</summary>
    private async Task<string?> LookUp(CancellationToken cancellationToken)
    {
        var hosts = new NpgsqlConnectionStringBuilder(member.Options.ConnectionString).Host;
        try
        {
            _database = await OfHosts(hosts, cancellationToken);
            return null;
        }
        catch (SocketException e)
        {
            return $"{hosts}: {e.Message}";
        }
    }

    /// <summary>The addresses of the hosts of a connection string, with commas between them; a socket of the file system has none.</summary>
    internal static async Task<ImmutableArray<IPAddress>> OfHosts(string? hosts, CancellationToken cancellationToken)
    {
        var all = ImmutableArray.CreateBuilder<IPAddress>();
        foreach (var host in (hosts ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(host => !host.StartsWith('/')))
            all.AddRange(await Dns.GetHostAddressesAsync(host.Split(':')[0], AddressFamily.InterNetwork, cancellationToken));
        return all.ToImmutable();
    }

    [LoggerMessage(EventId = 1620, Level = LogLevel.Warning, Message = "Builds are not kept from all addresses of the database and of the other silos: {Why}. It is tried again; name them in Builds:Execution:RefusedAddresses.")]
    private partial void LogNotRefused(string why);
}
