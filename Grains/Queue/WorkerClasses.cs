using System.Collections.Immutable;

namespace Builds.Queue;

/// <summary>Workers that offer the same images and carry the same labels: to a job they are all alike.</summary>
public sealed class WorkerClass(ImmutableArray<string> images, ImmutableArray<string> labels)
{
    private readonly HashSet<string> offered = [.. images];
    private readonly HashSet<string> carried = [.. labels];

    public IReadOnlySet<string> Images => offered;
    public int LabelCount => carried.Count;
    public HashSet<WorkerEntry> Workers { get; } = [];
    /// <summary>Those with a free slot, most free first.</summary>
    public SortedSet<WorkerEntry> WithRoom { get; } = new(WorkerEntry.MostFreeFirst);
    /// <summary>What waits that they can run.</summary>
    public HashSet<JobKind> Kinds { get; } = [];

    public bool Serves(JobKind kind) => kind.AnyWorker || (offered.Contains(kind.Image) && Carries(kind.Labels));

    public bool Carries(ImmutableArray<string> labels)
    {
        foreach (var label in labels)
        {
            if (!carried.Contains(label))
                return false;
        }

        return true;
    }
}

/// <summary>All workers that are not lost, by class: so that finding a worker for a job, and a job for a worker, asks classes and not workers.</summary>
public sealed class WorkerClasses
{
    private readonly Dictionary<string, WorkerClass> classes = [];
    private readonly HashSet<JobKind> kinds = [];

    public IReadOnlyCollection<WorkerClass> All => classes.Values;

    /// <summary>Those with a free slot.</summary>
    public List<WorkerClass> WithRoom { get; } = [];

    public bool Offers(string image)
    {
        foreach (var one in classes.Values)
        {
            if (one.Images.Contains(image))
                return true;
        }

        return false;
    }

    /// <summary>A kind of job that waits from now on.</summary>
    public void Introduce(JobKind kind)
    {
        kinds.Add(kind);
        foreach (var one in classes.Values)
        {
            if (one.Serves(kind))
                one.Kinds.Add(kind);
        }
    }

    /// <summary>Nothing of this kind waits any more.</summary>
    public void Forget(JobKind kind)
    {
        kinds.Remove(kind);
        foreach (var one in classes.Values)
            one.Kinds.Remove(kind);
    }

    /// <summary>A worker said what it offers. Answers whether that is news.</summary>
    public bool Join(WorkerEntry worker)
    {
        var key = $"{string.Join('\n', worker.Images)}\n\n{string.Join('\n', worker.Labels)}";
        if (!classes.TryGetValue(key, out var found))
        {
            classes.Add(key, found = new WorkerClass(worker.Images, worker.Labels));
            found.Kinds.UnionWith(kinds.Where(found.Serves));
        }
        else if (worker.Class == found)
        {
            return false;
        }

        Leave(worker);
        worker.Class = found;
        worker.ClassKey = key;
        found.Workers.Add(worker);
        return true;
    }

    /// <summary>It is gone, or about to be of another class.</summary>
    public void Leave(WorkerEntry worker)
    {
        if (worker.Class is not { } old)
            return;
        TakeOut(worker, old);
        old.Workers.Remove(worker);
        if (old.Workers.Count == 0)
            classes.Remove(worker.ClassKey!);
        (worker.Class, worker.ClassKey) = (null, null);
    }

    /// <summary>Brings a worker to its place after its room has changed.</summary>
    public void Place(WorkerEntry worker)
    {
        if (worker.Class is not { } own)
            return;
        var free = worker.HasRoom ? worker.Slots - worker.Assignments.Count : 0;
        if (free == worker.PlacedWith)
            return;
        TakeOut(worker, own);
        if (free == 0)
            return;
        worker.PlacedWith = free;
        own.WithRoom.Add(worker);
        if (own.WithRoom.Count == 1)
            WithRoom.Add(own);
    }

    private void TakeOut(WorkerEntry worker, WorkerClass own)
    {
        if (worker.PlacedWith == 0)
            return;
        own.WithRoom.Remove(worker);
        worker.PlacedWith = 0;
        if (own.WithRoom.Count == 0)
            WithRoom.Remove(own);
    }
}
