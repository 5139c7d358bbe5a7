using System.Collections.Immutable;
using Builds.Artifacts;
using Builds.Queue;
using Builds.Triggers;
using Orleans.Concurrency;

namespace Builds.Jobs;

/// <summary>
/// One job, keyed by its id. Owns status, attempt, reason and task states; every change follows <c>JobLifecycle</c> and
/// is on disk before the call answers. Expected refusals are results; an exception means that the outcome is unknown
/// and the call may be repeated: every call is safe to repeat.
/// </summary>
[Alias("IJobGrain")]
public interface IJobGrain : IGrainWithIntegerKey
{
    /// <summary>
    /// Creates the job. A repeat, even with other content, changes nothing and answers the job as it is.
    /// The caller has validated the manifest.
    /// </summary>
    [Alias("Submit")]
    Task<JobSnapshot> Submit(JobSubmission submission);

    /// <summary>The job as stored last, or null if there is none.</summary>
    [Alias("Get")]
    Task<JobSnapshot?> Get();

    /// <summary>A waiting reader holds a call for at most this long, well below the time-out of a call.</summary>
    static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Answers as soon as the job has a revision above <paramref name="knownRevision"/>, else when <paramref name="atMost"/>
    /// (0 or more; what is above <see cref="LongestWait"/> counts as that) has passed; null if there is no such job. An older revision than
    /// the known one says that this activation did not know of it, and that the next call meets one that does. Interleaves with everything.
    /// Cancel it when nobody waits any more: a silo that stops waits for it.
    /// </summary>
    [Alias("WaitForChange"), AlwaysInterleave]
    Task<JobSnapshot?> WaitForChange(int knownRevision, TimeSpan atMost, CancellationToken cancellationToken = default);

    /// <summary>pending → queued. For the owner's request.</summary>
    [Alias("Start")]
    Task<JobChange> Start();

    /// <summary>
    /// Cancels: a waiting job fails at once, a running one is marked and ends on its worker's word or with its lease.
    /// A final job stays as it is and the answer is <see cref="JobChange.Done"/>.
    /// </summary>
    [Alias("Cancel")]
    Task<JobChange> Cancel();

    /// <summary>
    /// queued → running, for the worker that was given the job. The same <see cref="JobClaim.DispatchId"/> again gets the
    /// same attempt as long as that attempt is the current one. No answer within five seconds: ask again.
    /// </summary>
    [Alias("Claim"), ResponseTimeout("00:00:05")]
    Task<ClaimResult> Claim(JobClaim claim);

    /// <summary>
    /// What the worker of <see cref="AttemptReport.Attempt"/> knows. Older and repeated reports change nothing. No answer within five seconds, as
    /// of a silo that is frozen: report again, and it may be another silo by then.
    /// </summary>
    [Alias("Report"), ResponseTimeout("00:00:05")]
    Task<ReportResult> Report(AttemptReport report);

    /// <summary>
    /// The lease of <paramref name="attempt"/> is over. Queues the job again, or fails it with worker-lost after the last
    /// allowed attempt, or with cancelled if that was asked for. Another attempt than the current one: no effect.
    /// For the queue.
    /// </summary>
    [Alias("WorkerLost")]
    Task<JobSnapshot?> WorkerLost(int attempt, string why);

    /// <summary>
    /// Becomes a member of a group, if it is pending, in no other group, and <paramref name="owner"/>'s. A member stays one whatever
    /// becomes of it, so a repeat is answered the same. For the group.
    /// </summary>
    [Alias("JoinGroup")]
    Task<JoinResult> JoinGroup(int group, string owner);

    /// <summary>Is no member of this group any more, which came to nothing. Of another group or of none: no effect. For the group.</summary>
    [Alias("LeaveGroup")]
    Task LeaveGroup(int group);

    /// <summary>
    /// A part of the job has become too old: from now on nobody is shown it, and the caller may delete its files. False, and no effect, if
    /// there is no such job or it has not ended. A repeat is answered the same. For retention.
    /// </summary>
    [Alias("Expire")]
    Task<bool> Expire(JobPart part);

    /// <summary>
    /// What is left of a record that <see cref="Expire"/> deleted goes, now that its files have. No effect on any other job, and none if
    /// repeated. For retention.
    /// </summary>
    [Alias("Forget")]
    Task Forget();

    /// <summary>
    /// What came of a try to deliver one of its triggers. Of an earlier try than is known, or of one that is delivered or failed: no effect.
    /// For the outbox.
    /// </summary>
    [Alias("TriggerTried")]
    Task TriggerTried(TriggerReport report);

    /// <summary>Its group knows that it ended. A repeat has no effect. For the outbox.</summary>
    [Alias("GroupTold")]
    Task GroupTold();
}

/// <summary>What of a job can become too old by itself.</summary>
[GenerateSerializer, Alias("JobPart")]
public enum JobPart
{
    /// <summary>The files that it left behind; they stay listed.</summary>
    Artifacts = 0,
    /// <summary>The logs of all attempts.</summary>
    Logs = 1,
    /// <summary>All of it, as if it had never been.</summary>
    Record = 2,
}

/// <summary>What a door hands over to create a job. Everything is validated already.</summary>
[GenerateSerializer, Immutable, Alias("JobSubmission")]
public sealed record JobSubmission
{
    /// <summary>Without the tilde.</summary>
    [Id(0)] public required string Owner { get; init; }
    [Id(1)] public required string Manifest { get; init; }
    [Id(2)] public string? Note { get; init; }
    [Id(3)] public ImmutableArray<string> Tags { get; init; } = [];
    /// <summary>False: the job stays pending until it is started.</summary>
    [Id(4)] public bool Execute { get; init; } = true;
    [Id(5)] public bool Secrets { get; init; }
    [Id(6)] public Visibility Visibility { get; init; } = Visibility.Unlisted;
    /// <summary>-10 to 10, higher first; orders the owner's own jobs, and takes nobody else's share.</summary>
    [Id(7)] public int Priority { get; init; }
    /// <summary>Only workers of this pool run it.</summary>
    [Id(8)] public string Pool { get; init; } = Placement.DefaultPool;
    /// <summary>Only workers that carry all of these run it.</summary>
    [Id(9)] public ImmutableArray<string> Labels { get; init; } = [];
    /// <summary>The scopes of the token that its builds get, as <c>oauth</c> asks for and its submitter may grant; none: no token.</summary>
    [Id(10)] public ImmutableArray<string> Grants { get; init; } = [];
}

/// <summary>The answer to start and cancel.</summary>
[GenerateSerializer, Immutable, Alias("JobChange")]
public abstract record JobChange
{
    private JobChange() { }

    /// <summary>Done now, or done before by the same request.</summary>
    [GenerateSerializer, Immutable, Alias("JobChange.Done")]
    public sealed record Done([property: Id(0)] JobSnapshot Job) : JobChange;

    /// <summary>Not possible from the status that the job has.</summary>
    [GenerateSerializer, Immutable, Alias("JobChange.WrongStatus")]
    public sealed record WrongStatus([property: Id(0)] JobStatus Status) : JobChange;

    [GenerateSerializer, Immutable, Alias("JobChange.NotFound")]
    public sealed record NotFound : JobChange;
}

/// <summary>A worker's wish to run a job that the queue gave it.</summary>
/// <param name="Worker">The worker's stable name.</param>
/// <param name="Incarnation">Which start of that worker this is; grows with every start.</param>
/// <param name="DispatchId">The queue's number for this hand-over; unique.</param>
[GenerateSerializer, Immutable, Alias("JobClaim")]
public sealed record JobClaim(
    [property: Id(0)] string Worker,
    [property: Id(1)] long Incarnation,
    [property: Id(2)] string DispatchId);

/// <summary>The answer to a claim.</summary>
[GenerateSerializer, Immutable, Alias("ClaimResult")]
public abstract record ClaimResult
{
    private ClaimResult() { }

    /// <summary>The attempt is the caller's. <see cref="JobSnapshot.Attempt"/> is the fencing token.</summary>
    [GenerateSerializer, Immutable, Alias("ClaimResult.Granted")]
    public sealed record Granted([property: Id(0)] JobSnapshot Job) : ClaimResult;

    /// <summary>Somebody else's, cancelled, finished, or unknown: drop it.</summary>
    [GenerateSerializer, Immutable, Alias("ClaimResult.Refused")]
    public sealed record Refused([property: Id(0)] JobStatus? Status) : ClaimResult;
}

/// <summary>How an attempt ended, in its worker's words.</summary>
[GenerateSerializer, Immutable, Alias("AttemptEnd")]
public abstract record AttemptEnd
{
    private AttemptEnd() { }

    /// <summary>Every task ended well or was skipped, and the artifacts are stored.</summary>
    [GenerateSerializer, Immutable, Alias("AttemptEnd.Succeeded")]
    public sealed record Succeeded : AttemptEnd;

    /// <param name="Detail">One sentence for people; null if the logs say it all.</param>
    [GenerateSerializer, Immutable, Alias("AttemptEnd.Failed")]
    public sealed record Failed([property: Id(0)] FailReason Reason, [property: Id(1)] string? Detail) : AttemptEnd;

    /// <summary>The worker cannot go on, through no fault of the job's: queue the job again without counting the attempt as used up.</summary>
    /// <param name="Why">For people; null: <see cref="Leaving"/>.</param>
    [GenerateSerializer, Immutable, Alias("AttemptEnd.HandedBack")]
    public sealed record HandedBack([property: Id(0)] string? Why = null) : AttemptEnd
    {
        public const string Leaving = "its worker is leaving";
    }
}

/// <summary>The whole truth about an attempt at one moment: a lost report costs nothing once the next one arrives.</summary>
[GenerateSerializer, Immutable, Alias("AttemptReport")]
public sealed record AttemptReport
{
    [Id(0)] public required int Attempt { get; init; }
    /// <summary>Grows with each report of the attempt.</summary>
    [Id(1)] public required int Sequence { get; init; }
    /// <summary>One per task of the manifest, in its order.</summary>
    [Id(2)] public required ImmutableArray<BuildTaskStatus> Tasks { get; init; }
    [Id(3)] public ImmutableArray<Artifact> Artifacts { get; init; } = [];
    /// <summary>Null while the attempt goes on.</summary>
    [Id(4)] public AttemptEnd? End { get; init; }
    /// <summary>The sources that are checked out so far.</summary>
    [Id(5)] public ImmutableArray<SourceCommit> Sources { get; init; } = [];
}

/// <summary>Which commit of a source an attempt has checked out.</summary>
/// <param name="Source">As the manifest names it, without a password.</param>
/// <param name="Commit">The full hash.</param>
[GenerateSerializer, Immutable, Alias("SourceCommit")]
public sealed record SourceCommit([property: Id(0)] string Source, [property: Id(1)] string Commit);

/// <summary>The answer to a report.</summary>
[GenerateSerializer, Alias("ReportResult")]
public enum ReportResult
{
    /// <summary>Heard, now or before. An end is on disk.</summary>
    Heard = 0,
    /// <summary>Heard, and the job is to be cancelled.</summary>
    CancelRequested = 1,
    /// <summary>The attempt is not the current one, or the job is final or unknown: end the build, nothing of it counts.</summary>
    Stale = 2,
}
