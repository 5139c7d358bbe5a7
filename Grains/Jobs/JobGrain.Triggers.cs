using Builds.Triggers;

namespace Builds.Jobs;

/// <summary>What becomes of a job's triggers after its end. The owner's job does not change by it: <see cref="JobState.Updated"/> stays.</summary>
public sealed partial class JobGrain
{
    public Task TriggerTried(TriggerReport report) => CommitTriggers(TriggerRules.Tried(job, report, clock.GetUtcNow()));

    public Task GroupTold() => CommitTriggers(TriggerRules.Told(job, clock.GetUtcNow()));

    private async Task CommitTriggers(JobState next)
    {
        if (!ReferenceEquals(next, job))
            await Commit(next, updated: job.Updated);
    }

    // One way, as the hint to the queue is: what is lost stands in the record, and the outbox sweeps.
    private void AnnounceTriggers()
    {
        if (job.TriggersDue is not null)
            GrainFactory.GetGrain<ITriggerOutboxGrain>(ITriggerOutboxGrain.Key).Hint(new TriggerSource(TriggerSourceKind.Job, job.Id.Value), job.Owner).Ignore();
    }
}
