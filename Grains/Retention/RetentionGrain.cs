using Builds.Artifacts;
using Builds.Jobs;
using Builds.Logs;
using Builds.Space;
using Builds.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Builds.Retention;

/// <summary>
/// A round: whole jobs first (what was begun, what is too old, what is too many), then logs, then artifacts. A step handles a few jobs, and
/// then four times as long as it took is left to others, so that deleting slows down with whatever is slow.
/// </summary>
public sealed partial class RetentionGrain(
    [PersistentState("retention", StorageNames.Provider)] IPersistentState<RetentionState> storage,
    ICatalogue catalogue,
    ILogStore logs,
    IArtifactStore artifacts,
    IDiskSpace disks,
    IOptions<RetentionOptions> options,
    IOptions<SpaceOptions> space,
    TimeProvider clock,
    ILogger<RetentionGrain> logger) : Grain, IRetentionGrain
{
    private const int JobsPerStep = 10;
    private const int SurplusAtOnce = 1000;
    private const int Rest = 4;
    private static readonly TimeSpan ShortestRest = TimeSpan.FromSeconds(1);

    private readonly Queue<EndedJob> surplus = [];
    private IGrainTimer? steps;
    private long? roundEnded;
    private bool surplusIsComplete;
    private int gone;
    private int rounds;

    public Task Wake()
    {
        if (steps is null && (roundEnded is not { } ended || clock.GetElapsedTime(ended) >= options.Value.Interval))
        {
            (surplusIsComplete, gone) = (options.Value.JobsPerOwner is null, 0);
            steps = this.RegisterGrainTimer(Step, new GrainTimerCreationOptions(TimeSpan.Zero, ShortestRest) { KeepAlive = true });
        }

        return Task.CompletedTask;
    }

    public Task<int> Rounds() => Task.FromResult(rounds);

    private async Task Step(CancellationToken cancellationToken)
    {
        var begin = clock.GetTimestamp();
        try
        {
            if (await Some(cancellationToken))
            {
                var rest = Rest * clock.GetElapsedTime(begin);
                steps?.Change(rest > ShortestRest ? rest : ShortestRest, ShortestRest);
                return;
            }
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // What was not done is found again by the next round.
            LogFailed(error, options.Value.Interval);
            surplus.Clear();
        }

        steps?.Dispose();
        steps = null;
        roundEnded = clock.GetTimestamp();
        rounds++;
        if (gone > 0)
            LogRound(gone);
    }

    /// <summary>Does some of what is due; false when nothing is.</summary>
    private async Task<bool> Some(CancellationToken cancellationToken)
    {
        var begun = await catalogue.Deleted(JobsPerStep, cancellationToken);
        foreach (var job in begun)
            await Remove(job, cancellationToken);
        return !begun.IsEmpty
            || await Age(JobPart.Record, options.Value.JobAge, cancellationToken)
            || await Count(cancellationToken)
            || await Age(JobPart.Logs, options.Value.LogAge, cancellationToken)
            || await Age(JobPart.Artifacts, options.Value.ArtifactAge, cancellationToken);
    }

    private async Task<bool> Age(JobPart part, TimeSpan? age, CancellationToken cancellationToken)
    {
        if (age is null)
            return false;
        var due = await catalogue.Ended(storage.State.Done(part), clock.GetUtcNow() - age.Value, JobsPerStep, cancellationToken);
        if (due.IsEmpty)
            return false;
        foreach (var job in due)
            await Expire(job, part, cancellationToken);
        await Reach(part, due[^1]);
        return true;
    }

    /// <summary>Everything up to there is done.</summary>
    private async Task Reach(JobPart part, EndedJob last)
    {
        storage.State = storage.State.With(part, last);
        try
        {
            // Not to be cut off half-way, which would leave its outcome open.
            await storage.WriteStateAsync(CancellationToken.None);
        }
        catch
        {
            // Unknown whether it is stored. Read again; the same jobs once more is as good.
            DeactivateOnIdle();
            throw;
        }
    }

    private async Task<bool> Count(CancellationToken cancellationToken)
    {
        if (surplus.Count == 0 && !surplusIsComplete)
        {
            var found = await catalogue.Surplus(options.Value.JobsPerOwner!.Value, clock.GetUtcNow() - RetentionOptions.Youngest, SurplusAtOnce, cancellationToken);
            surplusIsComplete = found.Length < SurplusAtOnce;
            foreach (var job in found)
                surplus.Enqueue(job);
        }

        var any = surplus.Count > 0;
        for (var i = 0; i < JobsPerStep && surplus.TryDequeue(out var job); i++)
            await Expire(job, JobPart.Record, cancellationToken);
        return any;
    }

    private async Task Expire(EndedJob job, JobPart part, CancellationToken cancellationToken)
    {
        if (!await Job(job).Expire(part))
            return;
        KillPoint.Reached("retention.expired");
        gone++;
        if (part == JobPart.Record)
            await Remove(job, cancellationToken);
        else
            await Delete(job, part, cancellationToken);
    }

    private Task Delete(EndedJob job, JobPart part, CancellationToken cancellationToken) =>
        part == JobPart.Logs ? logs.Delete(job.Id, cancellationToken) : artifacts.Delete(job.Id, cancellationToken);

    /// <summary>The record goes last: as long as it is there, its files are found.</summary>
    private async Task Remove(EndedJob job, CancellationToken cancellationToken)
    {
        await logs.Delete(job.Id, cancellationToken);
        await artifacts.Delete(job.Id, cancellationToken);
        KillPoint.Reached("retention.files-gone");
        await Job(job).Forget();
        KillPoint.Reached("retention.forgotten");
    }

    private IJobGrain Job(EndedJob job) => GrainFactory.GetGrain<IJobGrain>(job.Id.Value);

    [LoggerMessage(EventId = 1740, Level = LogLevel.Information, Message = "Retention: went through {Jobs} jobs that were too old or too many")]
    private partial void LogRound(int jobs);

    [LoggerMessage(EventId = 1741, Level = LogLevel.Warning, Message = "Retention: not everything that is due could be deleted; the next try is in {Interval}")]
    private partial void LogFailed(Exception error, TimeSpan interval);
}
