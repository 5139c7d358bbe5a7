using Builds.Triggers;

namespace Builds.Jobs;

/// <summary>The end of a group: when all members have ended, once, with the triggers that it fires in the same commit.</summary>
public sealed partial class JobGroupGrain
{
    public async Task MemberEnded()
    {
        await Form();
        var group = storage.State;
        if (!group.Exists() || group.Ended is not null)
            return;

        var success = true;
        foreach (var id in group.Jobs)
        {
            var job = await Job(id).Get();
            // One that is deleted had ended, and nobody knows how.
            if (job is not null && !job.Status.IsFinal())
                return;
            success &= job?.Status == JobStatus.Success;
        }

        var now = clock.GetUtcNow();
        var triggers = TriggerRules.Firing([.. group.Triggers.Select(trigger => trigger.ToTrigger())], success, now);
        await Commit(group with { Ended = now, Success = success, Deliveries = triggers, TriggersDue = TriggerRules.Due(triggers) });
        if (storage.State.TriggersDue is not null)
            GrainFactory.GetGrain<ITriggerOutboxGrain>(ITriggerOutboxGrain.Key).Hint(new TriggerSource(TriggerSourceKind.Group, group.Id), group.Owner).Ignore();
    }

    public Task<JobGroupEnd?> GetEnd() => Task.FromResult(storage.State is { Ended: { } ended } group
        ? new JobGroupEnd(group.ToGroup(), group.Success, ended, group.Deliveries)
        : null);

    public async Task TriggerTried(TriggerReport report)
    {
        var triggers = TriggerRules.Tried(storage.State.Deliveries, report, clock.GetUtcNow());
        if (triggers != storage.State.Deliveries)
            await Commit(storage.State with { Deliveries = triggers, TriggersDue = TriggerRules.Due(triggers) });
    }
}
