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
    IClusterMembershipService membership, ILocalSiloDetails self, MemberSilo member, BuildExecutor executor, ILogger<ServiceAddresses> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        ImmutableSortedSet<string>? before = null;
        await foreach (var now in membership.MembershipUpdates.WithCancellation(stoppingToken))
        {
            try
            {
                var silos = now.Members.Values.Where(other => other.Status != SiloStatus.Dead && !other.SiloAddress.Equals(self.SiloAddress)).Select(other => other.SiloAddress.Endpoint.Address);
                var addresses = (await OfHosts(new NpgsqlConnectionStringBuilder(member.Options.ConnectionString).Host, stoppingToken)).Concat(silos)
                    .Where(address => address.AddressFamily == AddressFamily.InterNetwork).Select(address => address.ToString()).ToImmutableSortedSet(StringComparer.Ordinal);
                if (before is not null && addresses.SetEquals(before)) continue;
                await executor.Refuse(addresses, stoppingToken);
                before = addresses;
            }
            catch (Exception e) when (e is IOException or SocketException or Win32Exception or UnauthorizedAccessException or PlatformNotSupportedException)
            {
                // Tried again when a silo comes or goes.
                LogNotRefused(e.Message);
            }
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

    [LoggerMessage(EventId = 1620, Level = LogLevel.Warning, Message = "Builds are not kept from the addresses of the database and of the other silos: {Why}. Name them in Builds:Execution:RefusedAddresses.")]
    private partial void LogNotRefused(string why);
}
