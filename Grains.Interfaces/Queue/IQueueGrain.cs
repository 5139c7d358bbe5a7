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
    public const string DefaultPool = Placement.DefaultPool;

    /// <summary>Hint: this job changed (queued, cancelled, ended). A lost hint is made good by reconciling with the catalogue.</summary>
    [Alias("Hint"), OneWay]
    Task Hint(JobHint hint);

    /// <summary>A worker's sign of life, and the queue's orders in return. For the worker, once a second and at every change.</summary>
    [Alias("Heartbeat"), ResponseTimeout("00:00:02")]
    Task<HeartbeatAnswer> Heartbeat(Heartbeat heartbeat);

    /// <summary>Everything, one entry per waiting job: for tests and small queues. Costs as much as there are jobs; pages ask <see cref="Summary"/>.</summary>
    [Alias("Snapshot")]
    Task<QueueSnapshot> Snapshot();

    /// <summary>
    /// Why a job of this pool waits, and its place; null if this queue does not know it as waiting (it runs, ended, is on its way to a
    /// worker, is of another pool, or was queued less than a moment ago). Costs at most as much as its owner has jobs waiting. For any door.
    /// </summary>
    [Alias("Waiting")]
    Task<WaitingJob?> Waiting(JobId job);

    /// <summary>Depth, slots, reasons and oldest waits of this pool, from counts that are kept: cheap however many jobs wait. For any door.</summary>
    [Alias("Summary")]
    Task<QueueSummary> Summary();

    /// <summary>
    /// Whether <paramref name="owner"/> may queue one more job in this pool. An admission is counted as a queued job until that job is
    /// heard of, for at most <c>Builds:Queue:AdmissionHeld</c>, so that doors that ask at the same time share one count. A repeat counts
    /// again. An activation that has not read the catalogue yet admits. For the door, before it creates a job that is to be queued.
    /// </summary>
    [Alias("Admit"), ResponseTimeout("00:00:02")]
    Task<Admission> Admit(string owner);
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
    /// <summary>-10 to 10; orders its owner's own jobs, and those of different owners where these have the same number running.</summary>
    [Id(11)] public int Priority { get; init; }
    /// <summary>All of them must be on the worker.</summary>
    [Id(12)] public ImmutableArray<string> Labels { get; init; } = [];
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
    [property: Id(6)] ImmutableArray<HeldJob> Held)
{
    /// <summary>What the worker carries; a job runs only where all of its labels are.</summary>
    [Id(7)] public ImmutableArray<string> Labels { get => field.IsDefault ? [] : field; init; } = [];
}

/// <param name="Attempt">0 while it is being claimed.</param>
[GenerateSerializer, Immutable, Alias("HeldJob")]
public sealed record HeldJob([property: Id(0)] JobId Job, [property: Id(1)] string DispatchId, [property: Id(2)] int Attempt);

/// <param name="Renewed">False: the lease of this incarnation is over; end everything and start a new one.</param>
[GenerateSerializer, Immutable, Alias("HeartbeatAnswer")]
public sealed record HeartbeatAnswer(
    [property: Id(0)] bool Renewed,
    [property: Id(1)] ImmutableArray<StopOrder> Stop)
{
    /// <summary>
    /// The queue's own silo does not know whether it still belongs to the cluster: the lease is neither extended nor over, whatever
    /// <see cref="Renewed"/> says. The worker goes on until its lease ends by itself, and asks again with its next heartbeat.
    /// </summary>
    [Id(2)] public bool Withheld { get; init; }
}

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
