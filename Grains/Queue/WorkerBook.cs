using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Workers;

namespace Builds.Queue;

/// <summary>A job in the hands of a worker, as the queue sees it.</summary>
public sealed class Assignment
{
    public required JobId Job { get; init; }
    public required string Owner { get; set; }
    public required string DispatchId { get; init; }
    /// <summary>0 until the worker tells which attempt it claimed.</summary>
    public int Attempt { get; set; }
    /// <summary>
    /// The worker's last heartbeat when it took the job; null while it has not answered. Only a later heartbeat without the job can
    /// tell that the job is gone.
    /// </summary>
    public long? AcceptedAt { get; set; }
    public bool CancelRequested { get; private set; }
    /// <summary>The job is final by its record: a worker that still builds it is to stop.</summary>
    public bool Over { get; set; }
    /// <summary>Queue time at which the attempt was first seen.</summary>
    public required TimeSpan Since { get; init; }

    /// <summary>What the job says; it may be old news, and then it takes nothing back.</summary>
    public void Learn(int attempt, bool cancelRequested)
    {
        if (attempt < Attempt)
            return;
        Attempt = attempt;
        CancelRequested |= cancelRequested;
    }
}

/// <summary>A worker, as the queue sees it.</summary>
public sealed class WorkerEntry
{
    public static readonly Comparer<WorkerEntry> MostFreeFirst = Comparer<WorkerEntry>.Create((left, right) =>
        left.PlacedWith != right.PlacedWith ? right.PlacedWith.CompareTo(left.PlacedWith) : string.CompareOrdinal(left.Name, right.Name));

    public required string Name { get; init; }
    public required long Incarnation { get; init; }
    public long Sequence { get; set; } = -1;
    /// <summary>Queue time of the last heartbeat; later, where the queue itself was silent since.</summary>
    public TimeSpan Heard { get; set; }
    public WorkerStatus Status { get; set; }
    public int Slots { get; set; }
    public ImmutableArray<string> Images { get; set; } = [];
    public ImmutableArray<string> Labels { get; set; } = [];
    /// <summary>It said that it is full: nothing for it until it is heard of again.</summary>
    public bool Refused { get; set; }
    /// <summary>The cluster knows its silo to be dead: nothing new for it.</summary>
    public bool Dead { get; set; }
    public Dictionary<JobId, Assignment> Assignments { get; } = [];

    /// <summary>Null while it is lost.</summary>
    public WorkerClass? Class { get; set; }
    public string? ClassKey { get; set; }
    /// <summary>The free slots with which its class has it in order; 0: not there.</summary>
    public int PlacedWith { get; set; }

    public bool TakesJobs => Status.TakesJobs() && !Dead;

    public bool HasRoom => TakesJobs && !Refused && Assignments.Count < Slots;
}
