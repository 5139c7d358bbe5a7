using System.Collections.Immutable;
using Builds.Execution;
using Builds.Jobs;

namespace Builds.Benchmarks.Silos;

/// <summary>Every task succeeds at once and writes nothing: what is left is the silo's own work.</summary>
/// <param name="gates">Where each build waits until it is let through; null: none waits.</param>
internal sealed class NullExecutor(Gates? gates = null) : IBuildExecutor
{
    public ImmutableArray<string> Images { get; } = ["host"];

    public async Task<BuildOutcome> Run(BuildPlan plan, IBuildRecorder recorder, CancellationToken stop, CancellationToken kill)
    {
        if (gates is not null)
            await gates.Opened(plan.Job).WaitAsync(kill);
        for (var i = 0; i < plan.Manifest.Tasks.Length; i++)
        {
            await recorder.TaskStarted(i, kill);
            await recorder.TaskEnded(i, BuildTaskStatus.Success, kill);
        }

        return new BuildOutcome.Succeeded();
    }

    public void Renew(TimeSpan leaseEnd)
    {
        // Nothing runs under a lease here.
    }
}
