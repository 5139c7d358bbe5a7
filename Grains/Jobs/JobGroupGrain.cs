using System.Collections.Immutable;
using Builds.Storage;

namespace Builds.Jobs;

/// <summary>
/// Writes down what it is going to be before it asks the first job, so that a group that was interrupted while it formed is completed, or
/// given up, by the next call.
/// </summary>
public sealed partial class JobGroupGrain(
    [PersistentState("jobgroup", StorageNames.Provider)] IPersistentState<JobGroupState> storage,
    TimeProvider clock) : Grain, IJobGroupGrain
{
    public async Task<JobGroupResult> Create(JobGroupSubmission submission)
    {
        if (!storage.State.Exists())
            await Commit(JobGroupState.From(submission));
        var refused = await Form();
        return refused.IsEmpty ? new JobGroupResult.Created(storage.State.ToGroup()) : new JobGroupResult.Refused(refused);
    }

    public Task<JobGroup?> Get() => ForEach(_ => Task.CompletedTask);

    public Task<JobGroup?> Start() => ForEach(job => job.Start());

    public Task<JobGroup?> Cancel() => ForEach(job => job.Cancel());

    private async Task<JobGroup?> ForEach(Func<IJobGrain, Task> act)
    {
        await Form();
        if (!storage.State.Exists())
        {
            DeactivateOnIdle();
            return null;
        }

        foreach (var job in storage.State.Jobs)
            await act(Job(job));
        return storage.State.ToGroup();
    }

    /// <summary>Brings the members together, if that is still to be done; the jobs that do not fit, after which there is no group.</summary>
    private async Task<ImmutableArray<UngroupableJob>> Form()
    {
        var group = storage.State;
        if (!group.Exists() || group.Formed)
            return [];

        var refused = ImmutableArray.CreateBuilder<UngroupableJob>();
        foreach (var job in group.Jobs)
        {
            if (await Job(job).JoinGroup(group.Id, group.Owner) is not JoinResult.Joined and var why)
                refused.Add(new UngroupableJob(job, why));
        }

        if (refused.Count > 0)
        {
            await GiveUp(group);
            return refused.ToImmutable();
        }

        foreach (var job in group.Execute ? group.Jobs : [])
            await Job(job).Start();
        await Commit(group with { Formed = true });
        return [];
    }

    // The record goes last: until then the next call tries again, and comes to the same end.
    private async Task GiveUp(JobGroupState group)
    {
        foreach (var job in group.Jobs)
            await Job(job).LeaveGroup(group.Id);
        await Commit(new JobGroupState());
    }

    private IJobGrain Job(JobId job) => GrainFactory.GetGrain<IJobGrain>(job.Value);

    private async Task Commit(JobGroupState next)
    {
        var known = storage.State;
        storage.State = next;
        try
        {
            await storage.WriteStateAsync();
            KillPoint.Reached("group.stored");
        }
        catch
        {
            // Unknown whether it is stored: forget what we believe and read it again at the next call.
            storage.State = known;
            DeactivateOnIdle();
            throw;
        }
    }
}
