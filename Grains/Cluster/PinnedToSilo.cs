using System.Diagnostics.CodeAnalysis;
using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace Builds.Cluster;

/// <summary>
/// The grain lives on the silo whose stable name is its key, and nowhere else. A call while no active silo has that name throws
/// <see cref="SiloOfflineException"/>.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class PinnedToSiloAttribute() : PlacementAttribute(new PinnedToSiloStrategy());

[GenerateSerializer, Immutable, Alias("PinnedToSilo")]
public sealed class PinnedToSiloStrategy : PlacementStrategy;

[SuppressMessage("Performance", "CA1812", Justification = "Made by Orleans.")]
internal sealed class PinnedToSiloDirector(IClusterMembershipService membership) : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var name = target.GrainIdentity.Key.ToString()!;
        // Earlier starts of a silo stay in the table for a while, under the same name and dead.
        foreach (var member in membership.CurrentSnapshot.Members.Values)
        {
            if (member.Status == SiloStatus.Active && member.Name == name)
                return Task.FromResult(member.SiloAddress);
        }

        throw new SiloOfflineException(name);
    }
}
