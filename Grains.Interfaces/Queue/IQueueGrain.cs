using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Workers;
using Orleans.Concurrency;

namespace Builds.Queue;

/// <summary>
/// Which jobs wait and who runs what, for one pool; key = the pool's name. Holds nothing durable: it is rebuilt from the
/// catalogue and the workers' heartbeats. Never awaits anything inside a request.
/// </summary>
[Alias("IQueueGrain")]
public interface IQueueGrain : IGrainWithStringKey
{
    public const string DefaultPool = "default";

    /// <summary>Hint: this job changed (queued, cancelled, ended). A lost hint is made good by reconciling with the catalogue.</summary>
    [Alias("Hint"), OneWay]
    Task Hint(JobHint hint);

    /// <summary>A worker's sign of life, and the queue's orders in return. For the worker, once a second and at every change.</summary>
    [Alias("Heartbeat"), ResponseTimeout("00:00:02")]
    Task<HeartbeatAnswer> Heartbeat(Heartbeat heartbeat);

    [Alias("Snapshot")]
    Task<QueueSnapshot> Snapshot();
}

/// <summary>What a job grain tells the queue after a commit.</summary>
[GenerateSerializer, Immutable, Alias("JobHint")]
public sealed record JobHint
{
    [Id(0)] public required JobId Id { get; init; }
    [Id(1)] public required string Owner { get; init; }
    [Id(2)] public required string Image { get; init; }
    [Id(3)] public required JobStatus Status { get; init; }
    [Id(4)] public required int Attempt { get; init; }
    [Id(5)] public required DateTimeOffset QueuedAt { get; init; }
    [Id(6)] public bool CancelRequested { get; init; }
    /// <summary>Hints may overtake each other: one with a lower revision than the last one heard is old.</summary>
    [Id(7)] public required int Revision { get; init; }
    /// <summary>The worker of the attempt; null before the first.</summary>
    [Id(8)] public string? Worker { get; init; }
    [Id(9)] public long Incarnation { get; init; }
    [Id(10)] public DateTimeOffset? Started { get; init; }
}

/// <param name="Incarnation">Which start of the worker this is; grows with every start.</param>
/// <param name="Sequence">Grows with every heartbeat of the incarnation; an older one is ignored.</param>
/// <param name="Held">Every attempt it holds, those still being claimed included.</param>
[GenerateSerializer, Immutable, Alias("Heartbeat")]
public sealed record Heartbeat(
    [property: Id(0)] string Worker,
    [property: Id(1)] long Incarnation,
    [property: Id(2)] long Sequence,
    [property: Id(3)] WorkerStatus Status,
    [property: Id(4)] int Slots,
    [property: Id(5)] ImmutableArray<string> Images,
    [property: Id(6)] ImmutableArray<HeldJob> Held);

/// <param name="Attempt">0 while it is being claimed.</param>
[GenerateSerializer, Immutable, Alias("HeldJob")]
public sealed record HeldJob([property: Id(0)] JobId Job, [property: Id(1)] string DispatchId, [property: Id(2)] int Attempt);

/// <param name="Renewed">False: the lease of this incarnation is over; end everything and start a new one.</param>
[GenerateSerializer, Immutable, Alias("HeartbeatAnswer")]
public sealed record HeartbeatAnswer(
    [property: Id(0)] bool Renewed,
    [property: Id(1)] ImmutableArray<StopOrder> Stop);

[GenerateSerializer, Immutable, Alias("StopOrder")]
public sealed record StopOrder([property: Id(0)] JobId Job, [property: Id(1)] int Attempt, [property: Id(2)] StopReason Reason);

[GenerateSerializer, Alias("StopReason")]
public enum StopReason
{
    /// <summary>The owner's wish: TERM, grace, KILL, and a report.</summary>
    Cancelled = 0,
    /// <summary>The attempt is not the current one: KILL at once, no report.</summary>
    Stale = 1,
    /// <summary>Over its time limit, in case the worker's own clock hangs.</summary>
    Deadline = 2,
}

[GenerateSerializer, Immutable, Alias("QueueSnapshot")]
public sealed record QueueSnapshot(
    [property: Id(0)] ImmutableArray<WaitingJob> Waiting,
    [property: Id(1)] ImmutableArray<WorkerView> Workers);

/// <param name="Why">Why it is not running yet, in one sentence.</param>
[GenerateSerializer, Immutable, Alias("WaitingJob")]
public sealed record WaitingJob(
    [property: Id(0)] JobId Id,
    [property: Id(1)] string Owner,
    [property: Id(2)] string Image,
    [property: Id(3)] DateTimeOffset QueuedAt,
    [property: Id(4)] string Why);

[GenerateSerializer, Immutable, Alias("WorkerView")]
public sealed record WorkerView(
    [property: Id(0)] string Name,
    [property: Id(1)] WorkerStatus Status,
    [property: Id(2)] int Slots,
    [property: Id(3)] ImmutableArray<string> Images,
    [property: Id(4)] ImmutableArray<HeldJob> Held);
