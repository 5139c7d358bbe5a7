using System.Collections.Immutable;

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

    /// <summary>
    /// Jobs that are queued or running, by id. With <paramref name="queuedSince"/> only queued ones, queued at or after that time.
    /// </summary>
    Task<ImmutableArray<OpenJob>> Open(DateTimeOffset? queuedSince, CancellationToken cancellationToken);

    /// <summary>One job, if it is queued or running; else null.</summary>
    Task<OpenJob?> FindOpen(JobId id, CancellationToken cancellationToken);
}

/// <param name="Jobs">At most the limit.</param>
/// <param name="Next">The first id of the following page, or null on the last one.</param>
/// <param name="Total">All jobs of the list, whatever the page.</param>
public sealed record JobPage(ImmutableArray<JobSnapshot> Jobs, JobId? Next, long Total);

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
}
