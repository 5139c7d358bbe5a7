using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Builds.Workers;

namespace Builds.Cluster;

/// <summary>The silos that membership shows as active.</summary>
[SuppressMessage("Performance", "CA1812", Justification = "Made by the container.")]
internal sealed class WorkerRoster(IClusterMembershipService membership) : IWorkerRoster
{
    public ImmutableArray<string> Silos =>
    [
        .. membership.CurrentSnapshot.Members.Values.Where(member => member.Status == SiloStatus.Active)
            .Select(member => member.Name).Distinct().Order(StringComparer.Ordinal),
    ];
}
