using System.Collections.Immutable;
using Builds.Queue;
using Builds.Triggers;

namespace Builds.Jobs;

/// <summary>
/// What can be asked about many jobs. Columns of the rows that the job grains write, in the same commit: it cannot lie,
/// and a read never waits for a write. Callable from anywhere, any number at a time.
/// </summary>
public interface ICatalogue
{
    /// <summary>The stored record of one job, or null.</summary>
    Task<JobSnapshot?> Find(JobId id, CancellationToken cancellationToken);

    /// <summary>
    /// One page of an owner's jobs, highest id first, ids at most <paramref name="start"/> (null: from the newest).
    /// </summary>
    /// <param name="limit">1 to 1000.</param>
    Task<JobPage> List(string owner, JobId? start, int limit, CancellationToken cancellationToken);

    /// <summary>Jobs of a pool that are queued or running, by id, ids above <paramref name="after"/> (null: from the first).</summary>
    /// <param name="limit">At least 1; fewer in the answer: that was the last page.</param>
    Task<ImmutableArray<OpenJob>> Open(string pool, JobId? after, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Jobs of a pool that are queued, by when they were queued and then by id: those queued after <paramref name="since"/>, or at that
    /// very time with an id above <paramref name="after"/> (null: any id). The last job of a page gives both for the next one.
    /// </summary>
    /// <param name="limit">At least 1; fewer in the answer: that was the last page.</param>
    Task<ImmutableArray<OpenJob>> QueuedSince(string pool, DateTimeOffset since, JobId? after, int limit, CancellationToken cancellationToken);

    /// <summary>The pools that have jobs queued or running, in the order of their names.</summary>
    Task<ImmutableArray<string>> Pools(CancellationToken cancellationToken);

    /// <summary>One job, if it is queued or running; else null.</summary>
    Task<OpenJob?> FindOpen(JobId id, CancellationToken cancellationToken);

    /// <summary>
    /// Jobs that have ended, in the order in which they did (then by id): those after <paramref name="after"/> (null: from the first), and
    /// before that time. For retention, as are the next two.
    /// </summary>
    /// <param name="limit">1 to 1000.</param>
    Task<ImmutableArray<EndedJob>> Ended(EndedJob? after, DateTimeOffset before, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Jobs that ended before that time and are not among the <paramref name="perOwner"/> newest of their owner. Looks at every job: not
    /// to be asked often.
    /// </summary>
    /// <param name="limit">1 to 1000.</param>
    Task<ImmutableArray<EndedJob>> Surplus(int perOwner, DateTimeOffset before, int limit, CancellationToken cancellationToken);

    /// <summary>Jobs that were deleted, and that the storage has not forgotten yet.</summary>
    Task<ImmutableArray<EndedJob>> Deleted(int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Jobs and groups for which the outbox of triggers has something to do by that time, longest due first, those after
    /// <paramref name="after"/> (null: from the first).
    /// </summary>
    /// <param name="limit">At least 1; fewer in the answer: that was the last page.</param>
    Task<ImmutableArray<DueTriggers>> TriggersDue(DateTimeOffset by, DueTriggers? after, int limit, CancellationToken cancellationToken);
}

/// <param name="Jobs">At most the limit.</param>
/// <param name="Next">The first id of the following page, or null on the last one.</param>
/// <param name="Total">All jobs of the list, whatever the page.</param>
public sealed record JobPage(ImmutableArray<ListedJob> Jobs, JobId? Next, long Total);

/// <summary>A job as lists show it: of long manifests and timelines a page of them would be slow to read.</summary>
public sealed record ListedJob
{
    public required JobId Id { get; init; }
    public required string Owner { get; init; }
    public required JobStatus Status { get; init; }
    public FailReason? Reason { get; init; }
    public int Attempt { get; init; }
    public string? Worker { get; init; }
    public ImmutableArray<TaskSnapshot> Tasks { get; init; } = [];
    public string? Note { get; init; }
    public ImmutableArray<string> Tags { get; init; } = [];
    public ImmutableArray<TriggerDelivery> Triggers { get; init; } = [];
    public ImmutableArray<SourceCommit> Sources { get; init; } = [];

    public static ListedJob From(JobSnapshot job) => new()
    {
        Id = job.Id,
        Owner = job.Owner,
        Status = job.Status,
        Reason = job.Reason,
        Attempt = job.Attempt,
        Worker = job.Worker,
        Tasks = job.Tasks,
        Note = job.Note,
        Tags = job.Tags,
        Triggers = job.Triggers,
        Sources = job.Sources,
    };
}

/// <summary>What the queue must know of a job that is not final.</summary>
public sealed record OpenJob
{
    public required JobId Id { get; init; }
    public required string Owner { get; init; }
    public required string Image { get; init; }
    public required JobStatus Status { get; init; }
    public required DateTimeOffset QueuedAt { get; init; }
    public int Attempt { get; init; }
    public string? Worker { get; init; }
    public long Incarnation { get; init; }
    public DateTimeOffset? Started { get; init; }
    public bool CancelRequested { get; init; }
    public required int Revision { get; init; }
    public string Pool { get; init; } = Placement.DefaultPool;
    /// <summary>-10 to 10.</summary>
    public int Priority { get; init; }
    /// <summary>All of them must be on the worker.</summary>
    public ImmutableArray<string> Labels { get; init; } = [];
}

/// <param name="Owner">Without the tilde.</param>
/// <param name="Due">Since when.</param>
public sealed record DueTriggers(TriggerSource Source, string Owner, DateTimeOffset Due);

/// <summary>A job that has ended.</summary>
/// <param name="Updated">When it did.</param>
public sealed record EndedJob(JobId Id, DateTimeOffset Updated);
