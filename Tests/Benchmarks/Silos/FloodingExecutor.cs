using System.Collections.Immutable;
using Builds.Benchmarks.Measuring;
using Builds.Execution;
using Builds.Jobs;

namespace Builds.Benchmarks.Silos;

/// <summary>A build whose only task writes as fast as its log takes it, and is timed until all of it is on disk.</summary>
internal sealed class FloodingExecutor(Scale scale) : IBuildExecutor
{
    public ImmutableArray<string> Images { get; } = ["host"];

    /// <summary>Of the build that ended last.</summary>
    public Rate? Last { get; private set; }

    public async Task<BuildOutcome> Run(BuildPlan plan, IBuildRecorder recorder, CancellationToken stop, CancellationToken kill)
    {
        await recorder.TaskStarted(0, kill);
        Last = await Flood.Write(
            scale,
            async piece => await recorder.TaskOutput(piece, kill),
            async () => await recorder.TaskEnded(0, BuildTaskStatus.Success, kill));
        return new BuildOutcome.Succeeded();
    }

    public void Renew(TimeSpan leaseEnd)
    {
        // Nothing runs under a lease here.
    }
}
