namespace Builds.Tests.Silos;

/// <summary>When a kill point is passed, so that the harness knows what to do to get there.</summary>
internal enum Occasion
{
    /// <summary>While jobs are submitted and run.</summary>
    Load,
    /// <summary>In the first start of a data directory.</summary>
    FirstStart,
    /// <summary>In every start.</summary>
    Start,
    /// <summary>In a start after a kill that caught running jobs.</summary>
    Recovery,
    /// <summary>In a start of a silo of a cluster.</summary>
    Cluster,
    /// <summary>With logs and artifacts in S3, which the harness does not have: Tests/Stores/S3 stops there in one process.</summary>
    Bucket,
    /// <summary>Two days after a job's end at the earliest: no silo of a harness, whose clock is the system's, comes there.</summary>
    Retention,
    /// <summary>With a manifest that has triggers, which go to nobody in the harness: Tests/Triggers stops there in a silo of its own.</summary>
    Trigger,
}

/// <param name="Name">As in the code, with its part.</param>
/// <param name="Most">The kill comes at one of the first so many times that it is passed.</param>
internal sealed record KnownPoint(string Name, Occasion Occasion, int Most = 1)
{
    /// <summary>Every kill point of the product.</summary>
    public static readonly IReadOnlyList<KnownPoint> All =
    [
        new("cluster.start-counted", Occasion.Cluster),
        new("schema.upgraded", Occasion.FirstStart),
        new("schema.queries-written", Occasion.Start),
        new("worker.start-counted", Occasion.Start),
        new("admin.token-kept", Occasion.FirstStart),
        new("admin.token-granted", Occasion.FirstStart),
        new("file.drafted/admin-token", Occasion.FirstStart),
        new("file.moved/admin-token", Occasion.FirstStart),
        new("file.drafted/worker.json", Occasion.Start),
        new("file.moved/worker.json", Occasion.Start),
        new("file.drafted/silo.json", Occasion.Start, 2),
        new("file.moved/silo.json", Occasion.Start, 2),
        new("file.drafted/closed.json", Occasion.Recovery, 2),
        new("file.moved/closed.json", Occasion.Recovery, 2),
        new("attempt.closing", Occasion.Recovery, 2),
        new("log.found", Occasion.Recovery, 2),
        new("log.fenced", Occasion.Recovery, 2),
        new("attempt.fenced", Occasion.Recovery, 2),
        new("attempt.closed", Occasion.Recovery, 2),
        new("database.executed/job", Occasion.Load, 20),
        new("database.committed/job", Occasion.Load, 20),
        new("database.executed/jobid", Occasion.FirstStart),
        new("database.committed/jobid", Occasion.FirstStart),
        new("job-ids.reserved", Occasion.FirstStart),
        new("database.executed/token", Occasion.Load, 3),
        new("database.committed/token", Occasion.Load, 3),
        new("token.stored", Occasion.Load, 3),
        new("database.executed/submission", Occasion.Load, 2),
        new("database.committed/submission", Occasion.Load, 2),
        new("submission.reserved", Occasion.Load, 2),
        new("database.executed/jobgroup", Occasion.Load, 2),
        new("database.committed/jobgroup", Occasion.Load, 2),
        new("group.stored", Occasion.Load, 2),
        new("job.stored/pending", Occasion.Load, 2),
        new("job.stored/queued", Occasion.Load, 4),
        new("job.stored/running", Occasion.Load, 6),
        new("job.stored/success", Occasion.Load, 2),
        new("job.stored/failed", Occasion.Load, 2),
        new("attempt.claimed", Occasion.Load, 4),
        new("attempt.built", Occasion.Load, 3),
        new("attempt.sealed", Occasion.Load, 3),
        new("attempt.reported", Occasion.Load, 3),
        new("log.begins", Occasion.Load, 6),
        new("log.begun", Occasion.Load, 6),
        new("log.marked", Occasion.Load, 6),
        new("log.written", Occasion.Load, 10),
        new("log.published", Occasion.Load, 10),
        new("log.shown", Occasion.Load, 10),
        new("log.synced", Occasion.Load, 4),
        new("log.renamed", Occasion.Load, 4),
        new("log.sealed", Occasion.Load, 4),
        new("artifact.written", Occasion.Load),
        new("artifact.renamed", Occasion.Load),
        new("artifact.stored", Occasion.Load),
        new("bucket.puts", Occasion.Bucket),
        new("bucket.put", Occasion.Bucket),
        new("bucket.listed", Occasion.Bucket),
        new("bucket.part-put", Occasion.Bucket),
        new("bucket.completed", Occasion.Bucket),
        new("bucket.deleted", Occasion.Bucket),
        new("log.put-together", Occasion.Bucket),
        new("trigger.sent", Occasion.Trigger),
        new("retention.expired", Occasion.Retention),
        new("retention.files-gone", Occasion.Retention),
        new("retention.forgotten", Occasion.Retention),
        new("store.deleted", Occasion.Retention),
    ];

    /// <summary>What a silo that is alone passes.</summary>
    public static IReadOnlyList<KnownPoint> OfOneSilo { get; } = [.. All.Where(point => point.Occasion is not (Occasion.Cluster or Occasion.Bucket or Occasion.Retention or Occasion.Trigger))];

    /// <summary>What silos of a cluster pass again and again; its database is another one, which is killed as a whole.</summary>
    public static IReadOnlyList<KnownPoint> OfACluster { get; } =
    [
        .. All.Where(point => point.Occasion is Occasion.Load or Occasion.Recovery or Occasion.Cluster && !point.Name.StartsWith("database.", StringComparison.Ordinal)),
    ];
}
