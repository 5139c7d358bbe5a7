using System.Diagnostics.CodeAnalysis;
using Builds.Queue;
using Builds.Storage;
using Orleans.GrainDirectory;
using Orleans.Metadata;
using Orleans.Runtime.GrainDirectory;

namespace Builds.Cluster;

/// <summary>
/// Keeps the places of queues in the database. The silos' own directory forgets a part of itself with each silo that fails, and Orleans ends the grains of that part wherever they
/// are; a queue that begins anew for this reason knows nothing of leases, and calls no worker lost for twelve seconds more.
/// </summary>
internal sealed class QueueDirectory(DatabaseDirectory directory, GrainTypeResolver types) : IGrainDirectoryResolver
{
    private readonly GrainType queue = types.GetGrainType(typeof(QueueGrain));

    public bool TryResolveGrainDirectory(GrainType grainType, GrainProperties? properties, [NotNullWhen(true)] out IGrainDirectory? grainDirectory)
    {
        grainDirectory = grainType == queue ? directory : null;
        return grainDirectory is not null;
    }
}
