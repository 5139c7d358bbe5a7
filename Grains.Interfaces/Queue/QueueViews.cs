using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Workers;

namespace Builds.Queue;

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
    [property: Id(4)] string Why)
{
    /// <summary>
    /// 1 is next: how many jobs that wait for the same (this pool, this image, these labels) are given out up to and with this one, if
    /// nothing is submitted, nothing ends, and every slot goes to them. In the order of fair share, limits of owners aside. 0 in a
    /// <see cref="QueueSnapshot"/>, which does not count.
    /// </summary>
    [Id(5)] public int Place { get; init; }
    [Id(6)] public WaitReason Reason { get; init; }
    [Id(7)] public int Priority { get; init; }
    [Id(8)] public ImmutableArray<string> Labels { get => field.IsDefault ? [] : field; init; } = [];
}

/// <summary>Why a job waits. The numbers are on the wire: never reuse one.</summary>
[GenerateSerializer, Alias("WaitReason")]
public enum WaitReason
{
    /// <summary>The answer comes from a silo that does not tell.</summary>
    Unknown = 0,
    /// <summary>No worker of the pool takes jobs.</summary>
    NoWorker = 1,
    /// <summary>None of those that do offers the image.</summary>
    NoImage = 2,
    /// <summary>None of those that offer the image carries all of the labels.</summary>
    NoLabels = 3,
    /// <summary>Every slot of the workers that could run it is taken.</summary>
    NoSlot = 4,
    /// <summary>Its owner has as many jobs running as an owner may have.</summary>
    OwnerLimit = 5,
    /// <summary>The queue's silo does not know whether it still belongs to the cluster, and gives nothing out until it does.</summary>
    Standing = 6,
    /// <summary>Nothing is in its way: it is given out within a moment.</summary>
    Next = 7,
}

/// <summary>The words of <see cref="WaitReason"/> as they stand in answers.</summary>
public static class QueueWords
{
    public static string Word(this WaitReason reason) => reason switch
    {
        WaitReason.Unknown => "unknown",
        WaitReason.NoWorker => "no-worker",
        WaitReason.NoImage => "no-image",
        WaitReason.NoLabels => "no-labels",
        WaitReason.NoSlot => "no-slot",
        WaitReason.OwnerLimit => "owner-limit",
        WaitReason.Standing => "standing",
        WaitReason.Next => "next",
    };
}

/// <summary>A pool's queue in figures.</summary>
/// <param name="Queued">Jobs that wait.</param>
/// <param name="Running">Jobs in the hands of workers, those being claimed included.</param>
/// <param name="Slots">Of the workers that take jobs.</param>
/// <param name="FreeSlots">How many of these are free.</param>
/// <param name="OldestQueuedAt">When the job that waits longest was queued (UTC); null when none waits.</param>
/// <param name="Owners">Owners who have something queued or running, most queued first; at most 1000 of them.</param>
/// <param name="OwnerCount">How many owners there are, those left out included.</param>
/// <param name="Reasons">Why jobs wait, most first; the counts add up to <paramref name="Queued"/>.</param>
/// <param name="InStanding">False: the queue gives nothing out, see <see cref="WaitReason.Standing"/>.</param>
[GenerateSerializer, Immutable, Alias("QueueSummary")]
public sealed record QueueSummary(
    [property: Id(0)] string Pool,
    [property: Id(1)] int Queued,
    [property: Id(2)] int Running,
    [property: Id(3)] int Slots,
    [property: Id(4)] int FreeSlots,
    [property: Id(5)] DateTimeOffset? OldestQueuedAt,
    [property: Id(6)] ImmutableArray<OwnerSummary> Owners,
    [property: Id(7)] int OwnerCount,
    [property: Id(8)] ImmutableArray<WaitSummary> Reasons,
    [property: Id(9)] ImmutableArray<WorkerView> Workers,
    [property: Id(10)] bool InStanding);

/// <param name="OldestQueuedAt">Null when nothing of the owner's waits.</param>
[GenerateSerializer, Immutable, Alias("OwnerSummary")]
public sealed record OwnerSummary(
    [property: Id(0)] string Owner,
    [property: Id(1)] int Queued,
    [property: Id(2)] int Running,
    [property: Id(3)] DateTimeOffset? OldestQueuedAt);

/// <param name="Why">One sentence for people.</param>
/// <param name="Jobs">How many wait for this.</param>
[GenerateSerializer, Immutable, Alias("WaitSummary")]
public sealed record WaitSummary(
    [property: Id(0)] WaitReason Reason,
    [property: Id(1)] string Why,
    [property: Id(2)] int Jobs);

/// <summary>Whether an owner may queue one more job.</summary>
/// <param name="Queued">How many the owner has queued in the pool, admissions under way included.</param>
/// <param name="Limit">How many an owner may have; null: any number.</param>
[GenerateSerializer, Immutable, Alias("Admission")]
public sealed record Admission(
    [property: Id(0)] bool Admitted,
    [property: Id(1)] int Queued,
    [property: Id(2)] int? Limit);

[GenerateSerializer, Immutable, Alias("WorkerView")]
public sealed record WorkerView(
    [property: Id(0)] string Name,
    [property: Id(1)] WorkerStatus Status,
    [property: Id(2)] int Slots,
    [property: Id(3)] ImmutableArray<string> Images,
    [property: Id(4)] ImmutableArray<HeldJob> Held)
{
    [Id(5)] public ImmutableArray<string> Labels { get => field.IsDefault ? [] : field; init; } = [];
    /// <summary>Which start of the worker this is.</summary>
    [Id(6)] public long Incarnation { get; init; }
    /// <summary>How long ago its last heartbeat came, by the queue's clock.</summary>
    [Id(7)] public TimeSpan Silence { get; init; }
}
