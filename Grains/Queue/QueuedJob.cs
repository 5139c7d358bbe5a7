using System.Collections.Immutable;
using Builds.Jobs;

namespace Builds.Queue;

/// <summary>What is known of a job that waits.</summary>
/// <param name="Revision">Of the record that said so.</param>
/// <param name="Attempt">The attempts that it has behind it.</param>
public readonly record struct QueuedFacts(
    JobId Id, string Owner, string Image, ImmutableArray<string> Labels, int Priority, DateTimeOffset QueuedAt, int Revision, int Attempt);

/// <summary>A job that waits for a worker. There may be a hundred thousand of them: what many have in common is in their line.</summary>
public sealed class QueuedJob(in QueuedFacts facts, OwnerLine line)
{
    private readonly long queuedTicks = facts.QueuedAt.UtcTicks;

    public static readonly Comparer<QueuedJob> OldestFirst = Comparer<QueuedJob>.Create((left, right) =>
        left.queuedTicks != right.queuedTicks ? left.queuedTicks.CompareTo(right.queuedTicks) : left.Id.CompareTo(right.Id));

    public JobId Id { get; } = facts.Id;
    public OwnerLine Line => line;
    public string Owner => line.Owner.Name;
    public string Image => line.Kind.Image;
    public int Revision { get; } = facts.Revision;
    public int Attempt { get; } = facts.Attempt;
    public int Priority { get; } = Math.Clamp(facts.Priority, Placement.LowestPriority, Placement.HighestPriority);
    public DateTimeOffset QueuedAt => new(queuedTicks, TimeSpan.Zero);
    /// <summary>The last pass over the whole catalogue that showed it, or that was under way when it was heard of.</summary>
    public int Pass { get; set; }

    public QueuedFacts Facts => new(Id, Owner, Image, line.Kind.Labels, Priority, QueuedAt, Revision, Attempt);
}

/// <summary>What a worker must have to run a job. Jobs of one kind can run on the same workers.</summary>
/// <param name="labels">Sorted, each once.</param>
public sealed class JobKind(string image, ImmutableArray<string> labels, bool anyWorker)
{
    public string Image => image;
    public ImmutableArray<string> Labels => labels;
    /// <summary>Nobody offers the image and the wait for it is over: whoever takes such a job fails it in setup.</summary>
    public bool AnyWorker => anyWorker;
    public int Count { get; set; }

    /// <summary>The lines of all owners that have jobs of this kind waiting.</summary>
    public HashSet<OwnerLine> Lines { get; } = [];

    /// <summary>Those whose owner may start one more job; who is next comes first.</summary>
    public SortedSet<OwnerLine> Order { get; } = new(OwnerLine.NextFirst);
}

/// <summary>Somebody who has jobs waiting or running.</summary>
public sealed class OwnerEntry(string name)
{
    public string Name => name;
    public int Running { get; set; }
    public int Queued { get; set; }
    public List<OwnerLine> Lines { get; } = [];
    /// <summary>When each admission ends that no job was heard of for yet, oldest first.</summary>
    public Queue<TimeSpan> Admitted { get; } = [];

    public bool IsIdle => Running == 0 && Queued == 0 && Admitted.Count == 0;
}

/// <summary>The waiting jobs of one owner and one kind: by priority, then by age.</summary>
public sealed class OwnerLine(OwnerEntry owner, JobKind kind)
{
    /// <summary>Fair share: fewest running first, then the priority of the next job, then its age.</summary>
    public static readonly Comparer<OwnerLine> NextFirst = Comparer<OwnerLine>.Create((left, right) =>
        left.load != right.load ? left.load.CompareTo(right.load) : CompareJobs(left.head!, right.head!));

    private readonly AgedJobs?[] levels = new AgedJobs?[Placement.HighestPriority - Placement.LowestPriority + 1];
    /// <summary>Where the line stands in its kind's order: taken when it was put there, so that it is found again.</summary>
    private int load;
    private QueuedJob? head;
    private bool ordered;

    public OwnerEntry Owner => owner;
    public JobKind Kind => kind;
    public int Count { get; private set; }

    /// <summary>The next one. Only where <see cref="Count"/> is not 0.</summary>
    public QueuedJob First => TopLevel().Oldest!;

    /// <summary>The one that waits longest, whatever its priority.</summary>
    public QueuedJob Oldest
    {
        get
        {
            QueuedJob? oldest = null;
            foreach (var level in levels)
            {
                if (level?.Oldest is { } first && (oldest is null || QueuedJob.OldestFirst.Compare(first, oldest) < 0))
                    oldest = first;
            }

            return oldest!;
        }
    }

    /// <summary>All, next first.</summary>
    public IEnumerable<QueuedJob> All => levels.Reverse().OfType<AgedJobs>().SelectMany(level => level.All);

    public static int CompareJobs(QueuedJob left, QueuedJob right) =>
        left.Priority != right.Priority ? right.Priority.CompareTo(left.Priority) : QueuedJob.OldestFirst.Compare(left, right);

    public void Add(QueuedJob job)
    {
        (levels[job.Priority - Placement.LowestPriority] ??= new AgedJobs()).Add(job);
        Count++;
    }

    public void Remove(QueuedJob job)
    {
        ref var level = ref levels[job.Priority - Placement.LowestPriority];
        level!.Remove(job);
        if (level.Count == 0)
            level = null;
        Count--;
    }

    /// <summary>How many jobs of the line come before this one of it.</summary>
    public int CountBefore(QueuedJob job)
    {
        var before = 0;
        for (var level = job.Priority - Placement.LowestPriority + 1; level < levels.Length; level++)
            before += levels[level]?.Count ?? 0;
        return before + levels[job.Priority - Placement.LowestPriority]!.CountBefore(job);
    }

    /// <summary>The job of the line that so many come before.</summary>
    public QueuedJob At(int index)
    {
        for (var level = levels.Length - 1; ; level--)
        {
            var count = levels[level]?.Count ?? 0;
            if (index < count)
                return levels[level]!.At(index);
            index -= count;
        }
    }

    /// <summary>Brings the line to its place after its jobs, or those that its owner runs, have changed.</summary>
    /// <param name="mayStart">False: its owner runs as many as allowed.</param>
    public void Reposition(bool mayStart)
    {
        var first = Count > 0 && mayStart ? First : null;
        if (ordered && first == head && load == owner.Running)
            return;
        if (ordered)
            kind.Order.Remove(this);
        (head, load, ordered) = (first, owner.Running, first is not null);
        if (ordered)
            kind.Order.Add(this);
    }

    private AgedJobs TopLevel()
    {
        for (var level = levels.Length - 1; ; level--)
        {
            if (levels[level] is { } top)
                return top;
        }
    }
}
