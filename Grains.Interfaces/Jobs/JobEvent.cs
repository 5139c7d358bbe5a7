namespace Builds.Jobs;

/// <summary>What was decided about a job. The numbers are on the wire and in storage: never reuse one.</summary>
[GenerateSerializer, Alias("JobEventKind")]
public enum JobEventKind
{
    Submitted = 0,
    /// <summary>By its owner, after it was submitted without executing it.</summary>
    Started = 1,
    /// <summary>For the first time.</summary>
    Queued = 2,
    /// <summary>By a worker: the attempt begins.</summary>
    Claimed = 3,
    /// <summary>By its owner or an admin.</summary>
    CancelRequested = 4,
    /// <summary>The attempt, with its worker.</summary>
    Lost = 5,
    /// <summary>The attempt, by a worker that leaves or drains, or whose lease ended since the queue did not answer.</summary>
    HandedBack = 6,
    /// <summary>After an attempt that was lost or handed back.</summary>
    Requeued = 7,
    Finished = 8,
    /// <summary>Stands for entries that are kept no longer.</summary>
    Folded = 9,
}

/// <summary>
/// One entry of a job's timeline. Their order is the order of the decisions; <see cref="At"/> is told by the clock of whichever silo
/// decided, and may step back where those differ.
/// </summary>
/// <param name="Attempt">The attempt that it is about, or the last one before it; 0 before the first.</param>
/// <param name="Worker">The worker of that attempt; null where no worker has a part in it.</param>
/// <param name="Detail">More about it, for people; null where there is nothing to add.</param>
[GenerateSerializer, Immutable, Alias("JobEvent")]
public sealed record JobEvent(
    [property: Id(0)] DateTimeOffset At,
    [property: Id(1)] JobEventKind Event,
    [property: Id(2)] int Attempt,
    [property: Id(3)] string? Worker,
    [property: Id(4)] string? Detail)
{
    /// <summary>How many entries a <see cref="JobEventKind.Folded"/> one stands for; else 0.</summary>
    [Id(5)] public int Folded { get; init; }
}
