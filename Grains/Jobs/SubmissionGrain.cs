using Builds.Storage;

namespace Builds.Jobs;

/// <summary>One grain per key, and one request at a time: requests that race with the same key get the same job.</summary>
public sealed class SubmissionGrain(
    [PersistentState("submission", StorageNames.Provider)] IPersistentState<SubmissionState> storage,
    TimeProvider clock) : Grain, ISubmissionGrain
{
    private static readonly TimeSpan Remembered = TimeSpan.FromHours(24);

    public async Task<SubmissionResult> Reserve(string fingerprint)
    {
        var known = storage.State;
        if (known.Job.Value > 0 && clock.GetUtcNow() < known.Expires)
            return known.Fingerprint == fingerprint ? new SubmissionResult.Reserved(known.Job) : new SubmissionResult.OtherContent(known.Job);

        var job = await GrainFactory.GetGrain<IJobIdGrain>(IJobIdGrain.Jobs).Next();
        storage.State = new SubmissionState { Job = job, Fingerprint = fingerprint, Expires = clock.GetUtcNow() + Remembered };
        try
        {
            await storage.WriteStateAsync();
            KillPoint.Reached("submission.reserved");
        }
        catch
        {
            // Unknown whether it is stored: read it again at the next call. At worst an id is left unused.
            storage.State = known;
            DeactivateOnIdle();
            throw;
        }

        return new SubmissionResult.Reserved(job);
    }
}

public sealed record SubmissionState
{
    public JobId Job { get; init; }
    public string Fingerprint { get; init; } = "";
    /// <summary>From then on the row may be deleted.</summary>
    public DateTimeOffset Expires { get; init; }
}
