using Builds.Storage;

namespace Builds.Jobs;

/// <summary>Ids come in blocks that are reserved on disk before the first one is given out: a crash leaves a gap, never a repeat.</summary>
public sealed class JobIdGrain([PersistentState("jobid", StorageNames.Provider)] IPersistentState<JobIdState> storage) : Grain, IJobIdGrain
{
    private const int BlockSize = 100;

    private int next;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        next = storage.State.Reserved + 1;
        return Task.CompletedTask;
    }

    public async Task<JobId> Next()
    {
        if (next > storage.State.Reserved)
            await Reserve();
        return new JobId(next++);
    }

    private async Task Reserve()
    {
        var known = storage.State;
        storage.State = new JobIdState { Reserved = checked(known.Reserved + BlockSize) };
        try
        {
            await storage.WriteStateAsync();
            KillPoint.Reached("job-ids.reserved");
        }
        catch
        {
            // Unknown whether the block is ours: forget everything and read it again.
            storage.State = known;
            DeactivateOnIdle();
            throw;
        }
    }
}

public sealed record JobIdState
{
    /// <summary>The highest id that may have been given out.</summary>
    public int Reserved { get; init; }
}
