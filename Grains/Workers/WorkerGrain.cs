using Builds.Cluster;
using Builds.Execution;
using Builds.Jobs;
using Builds.Space;
using Orleans.Placement;

namespace Builds.Workers;

/// <summary>The door to the agent of this silo, which is where builds live. Keeps nothing itself and never waits for a build.</summary>
[PinnedToSilo, Immovable, KeepAlive]
public sealed class WorkerGrain(WorkerAgent agent, IBuildExecutor executor, SpaceWatch space) : Grain, IWorkerGrain
{
    public Task<RunResult> Run(JobId job, string dispatchId)
    {
        space.Look();
        return Task.FromResult(agent.Take(job, dispatchId));
    }

    public Task<bool?> Holds(JobId job, int attempt, long incarnation) => Task.FromResult(agent.Holds(job, attempt, incarnation));

    public Task Cancel(JobId job, int attempt)
    {
        agent.End(job, attempt, StopCause.Cancelled);
        return Task.CompletedTask;
    }

    public async Task<WorkerReport> Drain(TimeSpan? atMost, string? note)
    {
        await agent.Drain(atMost, note);
        return agent.Report(executor.Images);
    }

    public Task<WorkerChange> Resume() => Task.FromResult<WorkerChange>(
        agent.Resume() ? new WorkerChange.Done(agent.Report(executor.Images)) : new WorkerChange.Leaving(agent.Report(executor.Images)));

    public Task<WorkerReport> Status() => Task.FromResult(agent.Report(executor.Images));
}
