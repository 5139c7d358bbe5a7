using System.Collections.Immutable;

namespace Builds.Queue;

/// <summary>What waits, pool by pool.</summary>
/// <param name="Results">By name of the pool.</param>
public sealed record QueueModel(ImmutableArray<PoolModel> Results);

/// <summary>The queue of a pool in figures.</summary>
/// <param name="Queued">Jobs that wait.</param>
/// <param name="Running">Jobs in the hands of workers.</param>
/// <param name="Slots">Of the workers that take jobs.</param>
/// <param name="OldestQueued">When the job that waits longest was queued; null when none waits.</param>
/// <param name="OldestWait">For how many seconds that job has waited.</param>
/// <param name="Owners">Who has something queued or running, most queued first; at most 1,000.</param>
/// <param name="OwnerCount">How many owners there are, those left out included.</param>
/// <param name="Reasons">Why jobs wait, most first.</param>
public sealed record PoolModel(
    string Pool,
    int Queued,
    int Running,
    int Slots,
    int FreeSlots,
    string? OldestQueued,
    long? OldestWait,
    ImmutableArray<PoolOwnerModel> Owners,
    int OwnerCount,
    ImmutableArray<WaitReasonModel> Reasons)
{
    public static PoolModel From(QueueSummary queue, DateTimeOffset now) => new(
        queue.Pool,
        queue.Queued,
        queue.Running,
        queue.Slots,
        queue.FreeSlots,
        ApiTime.Text(queue.OldestQueuedAt),
        // Clocks of silos differ: nobody waits less than no time.
        queue.OldestQueuedAt is { } oldest ? Math.Max(0, (long)(now - oldest).TotalSeconds) : null,
        [.. queue.Owners.Select(owner => new PoolOwnerModel("~" + owner.Owner, owner.Queued, owner.Running, ApiTime.Text(owner.OldestQueuedAt)))],
        queue.OwnerCount,
        [.. queue.Reasons.Select(reason => new WaitReasonModel(reason.Reason.Word(), reason.Why, reason.Jobs))]);
}

/// <param name="Owner">With the tilde.</param>
/// <param name="OldestQueued">Null when nothing of the owner's waits.</param>
public sealed record PoolOwnerModel(string Owner, int Queued, int Running, string? OldestQueued);

/// <param name="Reason">no-worker, no-image, no-labels, no-slot, owner-limit, standing, next or unknown.</param>
/// <param name="Why">One sentence for people.</param>
/// <param name="Jobs">How many wait for this.</param>
public sealed record WaitReasonModel(string Reason, string Why, int Jobs);
