using Orleans.Placement;

namespace Builds.Cluster;

[PinnedToSilo, Immovable, KeepAlive]
public sealed class PeerGrain(IClusterMembershipService membership) : Grain, IPeerGrain
{
    public Task<bool> SeesActive(SiloAddress silo) => Task.FromResult(membership.CurrentSnapshot.GetSiloStatus(silo) == SiloStatus.Active);
}
