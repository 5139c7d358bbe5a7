using System.Collections.Immutable;
using System.Diagnostics;
using Builds.Logs;
using Builds.Triggers;

namespace Builds.Jobs;

/// <summary>
/// What a signal makes of a job: pure, without clock, I/O or logger. Each function gives the next record, or the same reference
/// when nothing changes. <see cref="JobLifecycle"/> has the last word on the status.
/// </summary>
public static class JobDecisions
{
    public static JobState Submit(JobId id, JobSubmission submission, string image, IEnumerable<string> tasks, DateTimeOffset now)
    {
        var job = new JobState
        {
            Id = id,
            Owner = submission.Owner,
            Status = submission.Execute ? JobStatus.Queued : JobStatus.Pending,
            Tasks = [.. tasks.Select(name => new JobTaskState(name, BuildTaskStatus.Pending))],
            Manifest = submission.Manifest,
            Image = image,
            Note = submission.Note,
            Tags = submission.Tags,
            Visibility = submission.Visibility,
            Secrets = submission.Secrets,
            Grants = submission.Grants,
            Priority = submission.Priority,
            Pool = submission.Pool,
            Labels = submission.Labels,
            Created = now,
            QueuedAt = submission.Execute ? now : null,
        };
        return submission.Execute
            ? JobTimeline.With(JobTimeline.With(job, JobEventKind.Submitted, now), JobEventKind.Queued, now)
            : JobTimeline.With(job, JobEventKind.Submitted, now, "waits until its owner starts it");
    }

    public static JobState Start(JobState job, DateTimeOffset now) => JobLifecycle.Next(job.Status, JobSignal.Start) is { } next
        ? JobTimeline.With(JobTimeline.With(job with { Status = next, QueuedAt = now }, JobEventKind.Started, now), JobEventKind.Queued, now)
        : job;

    public static JobState Cancel(JobState job, DateTimeOffset now) => JobLifecycle.Next(job.Status, JobSignal.Cancel) switch
    {
        JobStatus.Running => job.CancelRequested ? job : AskToCancel(job, now),
        JobStatus.Failed => Fail(AskToCancel(job, now), JobSignal.Cancel, FailReason.Cancelled, "cancelled before it ran", now),
        _ => job,
    };

    /// <summary>
    /// The job without a part that has become too old; the same reference if it has gone before, null if it is not to be touched. It did
    /// not change by that in its owner's eyes, so <see cref="JobState.Updated"/> stays, by which its age is counted. A deleted job keeps no
    /// more than what the catalogue needs to find it; no owner, so that it is in nobody's list.
    /// </summary>
    public static JobState? Expire(JobState job, JobPart part, DateTimeOffset now)
    {
        if (job.Id.Value == 0 || !job.Status.IsFinal())
            return null;
        if (job.Deleted is not null)
            return part == JobPart.Record ? job : null;
        return part switch
        {
            JobPart.Artifacts => job.ArtifactsExpired is not null || job.Artifacts.IsEmpty ? job : job with { ArtifactsExpired = now },
            JobPart.Logs => job.LogsExpired is not null ? job : job with { LogsExpired = now },
            JobPart.Record => new JobState
            {
                Id = job.Id,
                Status = job.Status,
                Reason = job.Reason,
                Attempt = job.Attempt,
                Created = job.Created,
                Finished = job.Finished,
                Updated = job.Updated,
                Revision = job.Revision,
                Deleted = now,
            },
        };
    }

    /// <summary>Whether a group of <paramref name="owner"/>'s may have the job.</summary>
    public static JoinResult Join(JobState job, int group, string owner)
    {
        if (!job.Exists() || job.Owner != owner)
            return JoinResult.NotFound;
        if (job.Group is { } known)
            return known == group ? JoinResult.Joined : JoinResult.InOtherGroup;
        return job.Status == JobStatus.Pending ? JoinResult.Joined : JoinResult.NotPending;
    }

    /// <summary>
    /// The job as the claimer's, or the same reference if it is not his. A repeat of the granted claim is granted; once its attempt was
    /// given up it is not, or a claim that was long on its way would begin an attempt that nobody runs.
    /// </summary>
    public static (JobState Job, bool Granted) Claim(JobState job, JobClaim claim, DateTimeOffset now)
    {
        if (job.Status == JobStatus.Running && job.DispatchId == claim.DispatchId && job.Worker == claim.Worker && job.Incarnation == claim.Incarnation)
            return (job, true);
        if (JobLifecycle.Next(job.Status, JobSignal.Claim) is not { } next || job.SpentDispatches.Contains(claim.DispatchId))
            return (job, false);

        var claimed = job with
        {
            Status = next,
            Attempt = job.Attempt + 1,
            Worker = claim.Worker,
            Incarnation = claim.Incarnation,
            DispatchId = claim.DispatchId,
            ReportSequence = 0,
            Sources = [],
            Tasks = AllPending(job.Tasks),
            Started = now,
        };
        return (JobTimeline.With(claimed, JobEventKind.Claimed, now), true);
    }

    /// <summary>
    /// The job after a report of the current attempt. <paramref name="closedLogs"/>: the fixed lengths, where the report hands
    /// the attempt back.
    /// </summary>
    public static (JobState Job, ReportResult Result) Report(JobState job, AttemptReport report, ImmutableArray<LogLength> closedLogs, DateTimeOffset now)
    {
        if (report.Attempt != job.Attempt || report.Tasks.Length != job.Tasks.Length)
            return (job, ReportResult.Stale);
        if (job.Status != JobStatus.Running)
            return (job, report.End is not null && IsRepeat(job) ? ReportResult.Heard : ReportResult.Stale);
        if (report.Sequence <= job.ReportSequence && report.End is null)
            return (job, job.CancelRequested ? ReportResult.CancelRequested : ReportResult.Heard);

        var heard = job with { ReportSequence = Math.Max(report.Sequence, job.ReportSequence), Tasks = Merge(job.Tasks, report.Tasks), Sources = report.Sources.Length < job.Sources.Length ? job.Sources : report.Sources };
        return report.End switch
        {
            null => (heard, job.CancelRequested ? ReportResult.CancelRequested : ReportResult.Heard),
            AttemptEnd.Succeeded => (Succeed(heard with { Artifacts = report.Artifacts }, now), ReportResult.Heard),
            AttemptEnd.Failed failed => (Fail(heard, JobSignal.Fail, failed.Reason, failed.Detail, now), ReportResult.Heard),
            AttemptEnd.HandedBack handed => (HandBack(heard, handed.Why ?? AttemptEnd.HandedBack.Leaving, closedLogs, now), ReportResult.Heard),
            _ => throw new UnreachableException(report.End.GetType().Name),
        };
    }

    /// <summary>The job after the loss of the worker of <paramref name="attempt"/>; the same reference if that is not the current one.</summary>
    public static JobState WorkerLost(JobState job, int attempt, string why, int maxAttempts, ImmutableArray<LogLength> closedLogs, DateTimeOffset now)
    {
        if (!IsCurrent(job, attempt))
            return job;

        var lost = EndAttempt(job with { Lost = job.Lost + 1 }, JobEventKind.Lost, why, closedLogs, now);
        if (job.CancelRequested)
            return Fail(lost, JobSignal.GiveUp, FailReason.Cancelled, $"cancelled; its worker was lost: {why}", now);
        if (lost.Lost >= maxAttempts)
            return Fail(lost, JobSignal.GiveUp, FailReason.WorkerLost, $"lost its worker {lost.Lost} times, the most allowed; the last time: {why}", now);
        return Requeue(lost, JobSignal.Lose, now);
    }

    /// <summary>True while <paramref name="attempt"/> is the one that runs.</summary>
    public static bool IsCurrent(JobState job, int attempt) => job.Status == JobStatus.Running && job.Attempt == attempt;

    private static JobState Succeed(JobState job, DateTimeOffset now)
    {
        // A worker that says success and leaves a task open is broken: believing it would show a green job that did not run.
        var open = job.Tasks.FirstOrDefault(task => task.Status is not (BuildTaskStatus.Success or BuildTaskStatus.Skipped));
        return open is null
            ? Finish(Move(job, JobSignal.Succeed), now)
            : Fail(job, JobSignal.Fail, FailReason.Internal, $"the worker reported success, but task '{open.Name}' is {open.Status.Word()}", now);
    }

    private static JobState HandBack(JobState job, string why, ImmutableArray<LogLength> closedLogs, DateTimeOffset now)
    {
        var ended = EndAttempt(job, JobEventKind.HandedBack, why, closedLogs, now);
        return job.CancelRequested
            ? Fail(ended, JobSignal.GiveUp, FailReason.Cancelled, "cancelled", now)
            : Requeue(ended, JobSignal.HandBack, now);
    }

    /// <param name="job">Its last attempt was given up.</param>
    private static JobState Requeue(JobState job, JobSignal signal, DateTimeOffset now)
    {
        var last = job.EndedAttempts[^1];
        return JobTimeline.With(
            Move(job, signal) with { QueuedAt = now, Tasks = AllPending(job.Tasks) }, JobEventKind.Requeued, now, JobTimeline.Again(last.Attempt, last.Why));
    }

    private static JobState AskToCancel(JobState job, DateTimeOffset now) =>
        JobTimeline.With(job with { CancelRequested = true }, JobEventKind.CancelRequested, now);

    private static JobState Fail(JobState job, JobSignal signal, FailReason reason, string? detail, DateTimeOffset now) => Finish(
        Move(job, signal) with
        {
            Reason = reason,
            Detail = detail,
            Tasks = [.. job.Tasks.Select(task => TaskLifecycle.Next(task.Status, TaskSignal.Fail) is { } failed ? task with { Status = failed } : task)],
        },
        now);

    /// <param name="job">Its status is final already.</param>
    private static JobState Finish(JobState job, DateTimeOffset now) =>
        JobTimeline.With(TriggerRules.Fire(job with { Finished = now }, now), JobEventKind.Finished, now, JobTimeline.Ending(job));

    private static JobState Move(JobState job, JobSignal signal) => JobLifecycle.Next(job.Status, signal) is { } next
        ? job with { Status = next }
        : throw new InvalidOperationException($"job {job.Id} is {job.Status.Word()}: {signal} means nothing there");

    private static JobState EndAttempt(JobState job, JobEventKind how, string why, ImmutableArray<LogLength> logs, DateTimeOffset now) => JobTimeline.With(
        job with
        {
            EndedAttempts = job.EndedAttempts.Add(new EndedAttempt(job.Attempt, why, logs)),
            SpentDispatches = job.DispatchId is { } dispatch ? job.SpentDispatches.Add(dispatch) : job.SpentDispatches,
        },
        how,
        now,
        why);

    // An end was heard before if the job is final, or back in the queue with this attempt among the ended ones.
    private static bool IsRepeat(JobState job) => job.Status.IsFinal() || job.EndedAttempts.Any(ended => ended.Attempt == job.Attempt);

    private static ImmutableArray<JobTaskState> AllPending(ImmutableArray<JobTaskState> tasks) =>
        [.. tasks.Select(task => task with { Status = BuildTaskStatus.Pending })];

    private static ImmutableArray<JobTaskState> Merge(ImmutableArray<JobTaskState> known, ImmutableArray<BuildTaskStatus> reported) =>
        [.. known.Select((task, index) => task with { Status = TaskLifecycle.Merge(task.Status, reported[index]) })];
}
