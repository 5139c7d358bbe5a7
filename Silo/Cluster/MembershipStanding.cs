using System.Collections.Immutable;
using Builds.Workers;
using Microsoft.Extensions.Options;

namespace Builds.Cluster;

/// <summary>
/// Knows whether this silo is a member in good standing: whether, within the last <see cref="LeaseOptions.Membership"/>, it read itself
/// active in the membership table, or, while the database cannot be reached, every silo of its last view took it for active. A silo
/// that was cut off or frozen is not, and what it believes of leases counts for nothing (architecture: two queue grains may exist for a
/// moment).
/// </summary>
internal sealed partial class MembershipStanding(
    IMembershipTable table,
    ILocalSiloDetails self,
    IClusterMembershipService membership,
    IGrainFactory grains,
    IBootClock boot,
    TimeProvider clock,
    IOptions<LeaseOptions> lease,
    ILogger<MembershipStanding> logger) : BackgroundService, IClusterStanding
{
    /// <summary>Looks so often in each period of <see cref="LeaseOptions.Membership"/> that one lost answer costs nothing.</summary>
    private const int LooksPerPeriod = 6;

    /// <summary>
    /// For how long a silo without any peer goes on without its database. A newcomer takes it for dead when its row is older than three
    /// periods of ten seconds, and asks nobody: before that, it must have stopped by itself.
    /// </summary>
    private static readonly TimeSpan Alone = TimeSpan.FromSeconds(15);

    private readonly Lock gate = new();
    private TimeSpan? confirmed;
    private TimeSpan? read;
    private bool isUnreachable;

    public TimeSpan SinceActive
    {
        get
        {
            // Since boot, not of the process: a frozen one must not believe that no time has passed.
            lock (gate)
                return confirmed is { } at ? boot.Now - at : TimeSpan.MaxValue;
        }
    }

    public bool IsActive => SinceActive <= lease.Value.Membership;

    public bool IsDead(string silo)
    {
        var members = membership.CurrentSnapshot.Members.Values.Where(member => member.Name == silo).ToImmutableArray();
        return !members.IsEmpty && members.All(member => member.Status == SiloStatus.Dead);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(lease.Value.Membership / LooksPerPeriod, clock);
        do
        {
            await Look(stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task Look(CancellationToken cancellationToken)
    {
        var begun = boot.Now;
        MembershipTableData rows;
        try
        {
            rows = await table.ReadRowAsync(self.SiloAddress, cancellationToken).WaitAsync(lease.Value.Membership / 2, clock, cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            if (!isUnreachable)
                LogUnreachable(error);
            isUnreachable = true;
            await AskPeers(begun, cancellationToken);
            return;
        }

        if (isUnreachable)
            LogReachable();
        isUnreachable = false;
        if (rows.TryGet(self.SiloAddress) is { Item1.Status: SiloStatus.Active })
            Confirm(begun, wasRead: true);
        else
            await TellOrleans(rows.Version.Version, cancellationToken);
    }

    /// <summary>Where others declared the silo dead, Orleans ends it as soon as it reads that; by itself it reads only now and then.</summary>
    private async Task TellOrleans(int version, CancellationToken cancellationToken)
    {
        try
        {
            await membership.Refresh(new MembershipVersion(version), cancellationToken).AsTask().WaitAsync(lease.Value.Membership / 2, clock, cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // The next look tells it again.
            LogNotRead(error);
        }
    }

    private async Task AskPeers(TimeSpan begun, CancellationToken cancellationToken)
    {
        var peers = membership.CurrentSnapshot.Members.Values
            .Where(member => member.Status == SiloStatus.Active && !member.SiloAddress.Equals(self.SiloAddress)).ToImmutableArray();
        if (peers.IsEmpty)
        {
            if (read is { } last && begun - last <= Alone)
                Confirm(begun, wasRead: false);
            return;
        }

        try
        {
            var answers = await Task.WhenAll(peers.Select(peer => grains.GetGrain<IPeerGrain>(peer.Name).SeesActive(self.SiloAddress)))
                .WaitAsync(lease.Value.Membership / 2, clock, cancellationToken);
            if (answers.All(sees => sees))
                Confirm(begun, wasRead: false);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // Who does not answer may be right about us: our standing ends by itself unless a later look confirms it.
            LogNotConfirmed(error, peers.Length);
        }
    }

    private void Confirm(TimeSpan at, bool wasRead)
    {
        lock (gate)
        {
            confirmed = at;
            if (wasRead)
                read = at;
        }
    }

    [LoggerMessage(EventId = 1400, Level = LogLevel.Warning, Message = "The membership table cannot be read; the other silos are asked instead")]
    private partial void LogUnreachable(Exception error);

    [LoggerMessage(EventId = 1401, Level = LogLevel.Information, Message = "The membership table can be read again")]
    private partial void LogReachable();

    [LoggerMessage(EventId = 1402, Level = LogLevel.Debug, Message = "Not every one of {Peers} other silos confirmed that this one is a member")]
    private partial void LogNotConfirmed(Exception error, int peers);

    [LoggerMessage(EventId = 1406, Level = LogLevel.Debug, Message = "This silo is not active by the membership table; Orleans could not read it")]
    private partial void LogNotRead(Exception error);
}
