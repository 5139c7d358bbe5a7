using System.Collections.Immutable;

namespace Builds.Cluster;

/// <summary>Tells operators, in this silo's log, which other silos come, leave and fail.</summary>
internal sealed partial class MemberNews(IClusterMembershipService membership, ILocalSiloDetails self, ILogger<MemberNews> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var before = ImmutableDictionary<SiloAddress, ClusterMember>.Empty;
        await foreach (var now in membership.MembershipUpdates.WithCancellation(stoppingToken))
        {
            foreach (var (address, member) in now.Members.Where(member => !member.Key.Equals(self.SiloAddress)))
                Tell(member, before.GetValueOrDefault(address)?.Status ?? SiloStatus.None);
            before = now.Members;
        }
    }

    private void Tell(ClusterMember member, SiloStatus before)
    {
        switch (before, member.Status)
        {
            case (not SiloStatus.Active, SiloStatus.Active):
                LogHere(member.Name, member.SiloAddress.Endpoint.ToString());
                break;
            case (SiloStatus.ShuttingDown or SiloStatus.Stopping, SiloStatus.Dead):
                LogLeft(member.Name);
                break;
            case (SiloStatus.Active, SiloStatus.Dead):
                LogFailed(member.Name, member.SiloAddress.Endpoint.ToString());
                break;
        }
    }

    [LoggerMessage(EventId = 1403, Level = LogLevel.Information, Message = "Silo {Silo} at {Address} is in the cluster")]
    private partial void LogHere(string silo, string address);

    [LoggerMessage(EventId = 1404, Level = LogLevel.Information, Message = "Silo {Silo} has left the cluster")]
    private partial void LogLeft(string silo);

    [LoggerMessage(EventId = 1405, Level = LogLevel.Warning, Message = "Silo {Silo} at {Address} is gone without a word")]
    private partial void LogFailed(string silo, string address);
}
