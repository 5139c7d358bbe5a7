using System.Collections.Immutable;
using Builds.Jobs;

namespace Builds.Queue;

/// <summary>
/// The waiting jobs and their owners, kept so that the next one is found without looking at all: per kind the lines of the owners in
/// the order of fair share, per line the jobs by priority and age. A change costs the logarithm of what there is.
/// </summary>
/// <param name="runningPerOwner">0: any number.</param>
public sealed class WaitingJobs(WorkerClasses classes, int runningPerOwner)
{
    private readonly Dictionary<JobId, QueuedJob> byId = [];
    private readonly Dictionary<(string Image, string Labels, bool AnyWorker), JobKind> kinds = [];
    private readonly Dictionary<string, OwnerEntry> owners = [];

    public int Count => byId.Count;

    public IEnumerable<QueuedJob> All => byId.Values;

    public IReadOnlyCollection<JobKind> Kinds => kinds.Values;

    public IReadOnlyCollection<OwnerEntry> Owners => owners.Values;

    public QueuedJob? Find(JobId id) => byId.GetValueOrDefault(id);

    public OwnerEntry Owner(string name)
    {
        if (!owners.TryGetValue(name, out var owner))
            owners.Add(name, owner = new OwnerEntry(name));
        return owner;
    }

    public bool MayStart(OwnerEntry owner) => runningPerOwner == 0 || owner.Running < runningPerOwner;

    /// <summary>Adds a job, or replaces what was known of it.</summary>
    /// <param name="anyWorker">See <see cref="JobKind.AnyWorker"/>.</param>
    public QueuedJob Put(in QueuedFacts facts, bool anyWorker)
    {
        Remove(facts.Id);
        var line = Line(Owner(facts.Owner), Kind(facts.Image, facts.Labels, anyWorker));
        var job = new QueuedJob(facts, line);
        byId.Add(job.Id, job);
        line.Add(job);
        line.Kind.Count++;
        line.Owner.Queued++;
        line.Reposition(MayStart(line.Owner));
        return job;
    }

    public bool Remove(JobId id)
    {
        if (!byId.Remove(id, out var job))
            return false;
        var line = job.Line;
        line.Remove(job);
        line.Kind.Count--;
        line.Owner.Queued--;
        line.Reposition(MayStart(line.Owner));
        if (line.Count == 0)
            Forget(line);
        DropIdle(line.Owner);
        return true;
    }

    /// <summary>An owner runs so many more, or fewer: that moves everything that waits of his.</summary>
    public void CountRunning(string name, int change)
    {
        var owner = Owner(name);
        owner.Running += change;
        var mayStart = MayStart(owner);
        foreach (var line in owner.Lines)
            line.Reposition(mayStart);
        DropIdle(owner);
    }

    public void DropIdle(OwnerEntry owner)
    {
        if (owner.IsIdle)
            owners.Remove(owner.Name);
    }

    private static OwnerLine Line(OwnerEntry owner, JobKind kind)
    {
        foreach (var known in owner.Lines)
        {
            if (known.Kind == kind)
                return known;
        }

        var line = new OwnerLine(owner, kind);
        owner.Lines.Add(line);
        kind.Lines.Add(line);
        return line;
    }

    private JobKind Kind(string image, ImmutableArray<string> labels, bool anyWorker)
    {
        var sorted = labels.IsEmpty ? labels : [.. labels.Distinct().Order(StringComparer.Ordinal)];
        var key = (image, Key(sorted), anyWorker);
        if (!kinds.TryGetValue(key, out var kind))
        {
            kinds.Add(key, kind = new JobKind(image, sorted, anyWorker));
            classes.Introduce(kind);
        }

        return kind;
    }

    // No label has a space in it.
    private static string Key(ImmutableArray<string> labels) => labels.IsEmpty ? "" : string.Join(' ', labels);

    private void Forget(OwnerLine line)
    {
        line.Owner.Lines.Remove(line);
        line.Kind.Lines.Remove(line);
        if (line.Kind.Count > 0)
            return;
        kinds.Remove((line.Kind.Image, Key(line.Kind.Labels), line.Kind.AnyWorker));
        classes.Forget(line.Kind);
    }
}
