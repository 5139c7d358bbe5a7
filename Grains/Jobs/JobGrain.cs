using System.Collections.Immutable;
using Builds.Logs;
using Builds.Manifests;
using Builds.Queue;
using Builds.Storage;
using Builds.Workers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Builds.Jobs;

/// <summary>
/// Each method reads: decide (<see cref="JobDecisions"/>) → persist → act → answer. Nothing is announced before it is stored, and
/// readers only ever see what is stored.
/// </summary>
public sealed partial class JobGrain(
    [PersistentState("job", StorageNames.Provider)] IPersistentState<JobState> storage,
    ILogStore logs,
    IOptions<JobOptions> options,
    TimeProvider clock,
    ILogger<JobGrain> logger) : Grain, IJobGrain
{
    /// <summary>Task progress is stored at most this often; what decides the job is stored at once.</summary>
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    private readonly List<TaskCompletionSource> waiters = [];
    private JobState job = new();
    private JobState? progress;
    private IGrainTimer? progressTimer;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        Take();
        return Task.CompletedTask;
    }

    public async Task<JobSnapshot> Submit(JobSubmission submission)
    {
        if (job.Deleted is not null)
            throw new InvalidOperationException($"job {job.Id} was deleted, and no other one ever gets its id");
        if (!job.Exists())
            await Commit(Create(submission));
        return job.ToSnapshot();
    }

    public Task<JobSnapshot?> Get() => Task.FromResult(job.Exists() ? job.ToSnapshot() : null);

    public async Task<JobSnapshot?> WaitForChange(int knownRevision, TimeSpan atMost, CancellationToken cancellationToken = default)
    {
        if (knownRevision > storage.State.Revision)
            LookAnew();
        else if (job.Exists() && job.Revision <= knownRevision && atMost > TimeSpan.Zero)
            await NextChange(atMost < IJobGrain.LongestWait ? atMost : IJobGrain.LongestWait, cancellationToken);
        return job.Exists() ? job.ToSnapshot() : null;
    }

    public async Task<JobChange> Start()
    {
        if (!job.Exists())
            return new JobChange.NotFound();
        var next = JobDecisions.Start(job, clock.GetUtcNow());
        if (ReferenceEquals(next, job))
            return new JobChange.WrongStatus(job.Status);
        await Commit(next);
        return new JobChange.Done(job.ToSnapshot());
    }

    public async Task<JobChange> Cancel()
    {
        if (!job.Exists())
            return new JobChange.NotFound();
        var next = JobDecisions.Cancel(Current, clock.GetUtcNow());
        if (!ReferenceEquals(next, Current))
            await Commit(next);
        if (job.Status == JobStatus.Running)
            TellWorker();
        return new JobChange.Done(job.ToSnapshot());
    }

    public async Task<ClaimResult> Claim(JobClaim claim)
    {
        var (next, granted) = JobDecisions.Claim(job, claim, clock.GetUtcNow());
        if (!granted && await ReadAgain())
            (next, granted) = JobDecisions.Claim(job, claim, clock.GetUtcNow());
        if (!granted)
            return new ClaimResult.Refused(job.Exists() ? job.Status : null);
        if (!ReferenceEquals(next, job))
            await Commit(next);
        return new ClaimResult.Granted(job.ToSnapshot());
    }

    public async Task<ReportResult> Report(AttemptReport report)
    {
        if (!JobDecisions.IsCurrent(job, report.Attempt))
            await ReadAgain();
        if (!job.Exists())
            return ReportResult.Stale;
        var closed = report.End is AttemptEnd.HandedBack ? await CloseLogs(report.Attempt) : [];
        var (next, result) = JobDecisions.Report(Current, report, closed, clock.GetUtcNow());
        if (ReferenceEquals(next, Current))
            return result;
        if (report.End is null)
            KeepProgress(next);
        else
            await Commit(next);
        return result;
    }

    public async Task<JobSnapshot?> WorkerLost(int attempt, string why)
    {
        if (!JobDecisions.IsCurrent(job, attempt))
            await ReadAgain();
        if (!job.Exists())
            return null;
        var closed = await CloseLogs(attempt);
        var next = JobDecisions.WorkerLost(Current, attempt, why, options.Value.MaxAttempts, closed, clock.GetUtcNow());
        if (!ReferenceEquals(next, Current))
            await Commit(next);
        return job.ToSnapshot();
    }

    public async Task<JoinResult> JoinGroup(int group, string owner)
    {
        var result = JobDecisions.Join(job, group, owner);
        if (result == JoinResult.Joined && job.Group != group)
            await Commit(job with { Group = group });
        return result;
    }

    public async Task LeaveGroup(int group)
    {
        if (job.Group == group)
            await Commit(Current with { Group = null });
    }

    public async Task<bool> Expire(JobPart part)
    {
        if (JobDecisions.Expire(job, part, clock.GetUtcNow()) is not { } next)
            return false;
        if (!ReferenceEquals(next, job))
            await Commit(next, updated: job.Updated);
        return true;
    }

    public async Task Forget()
    {
        if (job.Deleted is null)
            return;
        try
        {
            // Only the version that we know: what somebody else wrote meanwhile stays.
            await storage.ClearStateAsync();
        }
        finally
        {
            // Whatever became of it, the next call reads it again.
            job = new JobState();
            DeactivateOnIdle();
        }
    }

    /// <summary>What is stored, with the task progress that waits to be.</summary>
    private JobState Current => progress ?? job;

    private JobState Create(JobSubmission submission)
    {
        var id = new JobId(checked((int)this.GetPrimaryKeyLong()));
        if (ManifestParser.Parse(submission.Manifest) is not ManifestResult.Accepted { Manifest: var manifest })
            throw new ArgumentException($"job {id}: the manifest does not validate; the door must refuse it before a job is created", nameof(submission));
        return JobDecisions.Submit(id, submission, manifest.Image, manifest.Tasks.Select(task => task.Name), clock.GetUtcNow());
    }

    /// <summary>
    /// From here on no byte is added to the attempt's logs, so that their lengths go into the commit that gives it up. If that
    /// commit fails the logs stay closed, and a later one gives the attempt up with the same lengths.
    /// </summary>
    private async Task<ImmutableArray<LogLength>> CloseLogs(int attempt) =>
        JobDecisions.IsCurrent(job, attempt) ? await logs.Close(job.Id, attempt, CancellationToken.None) : [];

    /// <param name="updated">When it changed in its owner's eyes; null: now.</param>
    private async Task Commit(JobState next, DateTimeOffset? updated = null)
    {
        var known = job;
        progress = null;
        storage.State = next with { Revision = known.Revision + 1, Updated = updated ?? clock.GetUtcNow() };
        try
        {
            await storage.WriteStateAsync();
        }
        catch
        {
            // Unknown whether it is stored.
            storage.State = known;
            LookAnew();
            throw;
        }

        KillPoint.Reached("job.stored", storage.State.Status.Word());
        job = storage.State;
        WakeReaders();
        if (!known.Exists() || job.Status != known.Status || job.CancelRequested != known.CancelRequested)
            Announce(known);
    }

    /// <summary>
    /// Before a caller who knows of a claim or an attempt is told that there is none: two activations may exist for a moment while silos
    /// come and go, and what the other one stored is what counts. A worker would end its build, or a queue ask for ever.
    /// </summary>
    /// <returns>Whether something else was stored.</returns>
    private async Task<bool> ReadAgain()
    {
        if (job.Status.IsFinal())
            return false;
        await storage.ReadStateAsync();
        if (storage.State.Revision == job.Revision)
            return false;
        progress = null;
        Take();
        WakeReaders();
        return true;
    }

    /// <summary>Believes what was read.</summary>
    private void Take() => job = storage.State with { Timeline = JobTimeline.Of(storage.State) };

    /// <summary>Forget what we believe: the next call reads it again.</summary>
    private void LookAnew()
    {
        WakeReaders();
        DeactivateOnIdle();
    }

    private void Announce(JobState known)
    {
        LogMoved(job.Id, known.Exists() ? known.Status.Word() : "new", job.Status.Word(), job.Reason?.Word() ?? "none", job.Attempt, job.Worker ?? "none");
        // One way: what a lost hint would have said is in the catalogue, and the queue reads it there.
        GrainFactory.GetGrain<IQueueGrain>(job.Pool).Hint(job.ToHint()).Ignore();
        AnnounceTriggers();
    }

    // A hint that saves up to a second: the next heartbeat answer carries the same order.
    private void TellWorker() => GrainFactory.GetGrain<IWorkerGrain>(job.Worker!).Cancel(job.Id, job.Attempt).Ignore();

    private void KeepProgress(JobState next)
    {
        progress = next;
        progressTimer ??= this.RegisterGrainTimer(StoreProgress, new GrainTimerCreationOptions(ProgressInterval, Timeout.InfiniteTimeSpan));
    }

    private async Task StoreProgress(CancellationToken cancellationToken)
    {
        progressTimer?.Dispose();
        progressTimer = null;
        if (progress is { } next)
            await Commit(next);
    }

    private async Task NextChange(TimeSpan atMost, CancellationToken cancellationToken)
    {
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        waiters.Add(waiter);
        try
        {
            await waiter.Task.WaitAsync(atMost, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Nothing changed in that time: the caller gets the job as it is.
        }
        finally
        {
            waiters.Remove(waiter);
        }
    }

    private void WakeReaders()
    {
        foreach (var waiter in waiters)
            waiter.TrySetResult();
    }

    [LoggerMessage(EventId = 1100, Level = LogLevel.Information, Message = "Job {JobId}: {From} -> {To} (attempt {Attempt}, worker {WorkerId}, reason {Reason})")]
    private partial void LogMoved(JobId jobId, string from, string to, string reason, int attempt, string workerId);
}
