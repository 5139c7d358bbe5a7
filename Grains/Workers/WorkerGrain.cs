using Builds.Cluster;
using Builds.Jobs;
using Orleans.Placement;

namespace Builds.Workers;

/// <summary>The door to the agent of this silo, which is where builds live. Keeps nothing itself and never waits for a build.</summary>
[PinnedToSilo, Immovable, KeepAlive]
public sealed class WorkerGrain(WorkerAgent agent) : Grain, IWorkerGrain
{
    public Task<RunResult> Run(JobId job, string dispatchId) => Task.FromResult(agent.Take(job, dispatchId));

    public Task<bool?> Holds(JobId job, int attempt, long incarnation) => Task.FromResult(agent.Holds(job, attempt, incarnation));

    public Task Cancel(JobId job, int attempt)
    {
        agent.End(job, attempt, StopCause.Cancelled);
        return Task.CompletedTask;
    }
}
