using Builds.Jobs;

namespace Builds.Queue;

/// <summary>What the queue tells people: who waits and why, and who has what.</summary>
public sealed partial class QueueBook
{
    private const int MostOwners = 1000;
    private const int MostReasons = 100;

    public QueueSnapshot Snapshot() => new(
        [.. waiting.All.OrderBy(job => job.QueuedAt).ThenBy(job => job.Id).Select(job => View(job, 0))],
        [.. workers.Values.OrderBy(worker => worker.Name, StringComparer.Ordinal).Select(View)]);

    /// <summary>See <see cref="IQueueGrain.Waiting"/>.</summary>
    public WaitingJob? Waiting(JobId id) => waiting.Find(id) is { } job ? View(job, Place(job)) : null;

    /// <summary>See <see cref="IQueueGrain.Summary"/>.</summary>
    public QueueSummary Summary(string pool)
    {
        var reasons = new Dictionary<(WaitReason, string), int>();
        foreach (var kind in waiting.Kinds)
            CountReasons(kind, reasons);
        var owners = waiting.Owners.Where(owner => owner.Name.Length > 0 && (owner.Queued > 0 || owner.Running > 0)).Select(owner => new OwnerSummary(
            owner.Name, owner.Queued, owner.Running, Oldest(owner.Lines))).ToList();
        var listed = reasons.OrderByDescending(reason => reason.Value).Select(reason => new WaitSummary(reason.Key.Item1, reason.Key.Item2, reason.Value)).ToList();
        if (listed.Count > MostReasons)
            listed = [.. listed.Take(MostReasons - 1), new WaitSummary(WaitReason.Unknown, "other reasons", listed.Skip(MostReasons - 1).Sum(reason => reason.Jobs))];
        return new QueueSummary(
            pool,
            waiting.Count,
            assigned.Count,
            workers.Values.Where(worker => worker.TakesJobs).Sum(worker => worker.Slots),
            workers.Values.Where(worker => worker.TakesJobs).Sum(worker => Math.Max(0, worker.Slots - worker.Assignments.Count)),
            owners.Min(owner => owner.OldestQueuedAt),
            [.. owners.OrderByDescending(owner => owner.Queued).ThenBy(owner => owner.Owner, StringComparer.Ordinal).Take(MostOwners)],
            owners.Count,
            [.. listed],
            [.. workers.Values.OrderBy(worker => worker.Name, StringComparer.Ordinal).Select(View)],
            standing.IsActive);
    }

    private static DateTimeOffset? Oldest(List<OwnerLine> lines) => lines.Count == 0 ? null : lines.Min(line => line.Oldest.QueuedAt);

    private void CountReasons(JobKind kind, Dictionary<(WaitReason, string), int> reasons)
    {
        var common = WhyKind(kind);
        var rest = kind.Count;
        if (IsAboutSlots(common.Reason))
        {
            foreach (var line in kind.Lines.Where(line => !waiting.MayStart(line.Owner)))
            {
                rest -= line.Count;
                Count(WhyOwner(line.Owner), line.Count);
            }
        }

        Count(common, rest);

        void Count((WaitReason, string) reason, int jobs)
        {
            if (jobs > 0)
                reasons[reason] = reasons.GetValueOrDefault(reason) + jobs;
        }
    }

    private WaitingJob View(QueuedJob job, int place)
    {
        var why = WhyKind(job.Line.Kind);
        if (IsAboutSlots(why.Reason) && !waiting.MayStart(job.Line.Owner))
            why = WhyOwner(job.Line.Owner);
        return new WaitingJob(job.Id, job.Owner, job.Image, job.QueuedAt, why.Why)
        {
            Place = place,
            Reason = why.Reason,
            Priority = job.Priority,
            Labels = job.Line.Kind.Labels,
        };
    }

    private WorkerView View(WorkerEntry worker) => new(
        worker.Name,
        worker.Status,
        worker.Slots,
        worker.Images,
        [.. worker.Assignments.Values.OrderBy(held => held.Job).Select(held => new HeldJob(held.Job, held.DispatchId, held.Attempt))])
    {
        Labels = worker.Labels,
        Incarnation = worker.Incarnation,
        Silence = now.Elapsed > worker.Heard ? now.Elapsed - worker.Heard : TimeSpan.Zero,
    };

    /// <summary>
    /// An owner's k-th job of the kind is given out when the owner has k more running than now: so the order of all of them is that of
    /// load, then priority and age, as in <see cref="OwnerLine.NextFirst"/>.
    /// </summary>
    private static int Place(QueuedJob job)
    {
        var line = job.Line;
        var before = line.CountBefore(job);
        var load = line.Owner.Running + before;
        var place = 1 + before;
        foreach (var other in line.Kind.Lines)
        {
            if (other == line)
                continue;
            var earlier = Math.Clamp(load - other.Owner.Running, 0, other.Count);
            place += earlier;
            if (other.Owner.Running + earlier == load && earlier < other.Count && OwnerLine.CompareJobs(other.At(earlier), job) < 0)
                place++;
        }

        return place;
    }

    private static bool IsAboutSlots(WaitReason reason) => reason is WaitReason.NoSlot or WaitReason.Next;

    private (WaitReason Reason, string Why) WhyOwner(OwnerEntry owner) =>
        (WaitReason.OwnerLimit, $"{owner.Name} has {owner.Running} jobs running, and an owner may have {options.RunningPerOwner} in this pool");

    private (WaitReason Reason, string Why) WhyKind(JobKind kind)
    {
        if (!standing.IsActive)
            return (WaitReason.Standing, "the queue's silo cannot tell at the moment whether it still belongs to the cluster, and gives nothing out until it can");
        var taking = classes.All.Where(one => one.Workers.Any(worker => worker.TakesJobs)).ToList();
        if (taking.Count == 0)
            return (WaitReason.NoWorker, "no worker takes jobs at the moment");
        var offering = taking.Where(one => one.Images.Contains(kind.Image)).ToList();
        if (offering.Count == 0)
            return (WaitReason.NoImage, $"no worker offers image '{kind.Image}'; on offer: {string.Join(", ", taking.SelectMany(one => one.Images).Distinct().Order(StringComparer.Ordinal))}");
        var fitting = offering.Where(one => one.Carries(kind.Labels)).ToList();
        if (fitting.Count == 0)
            return (WaitReason.NoLabels, $"no worker that offers image '{kind.Image}' carries all of the labels {string.Join(", ", kind.Labels)}");
        if (fitting.Any(one => one.WithRoom.Count > 0))
            return (WaitReason.Next, "a slot is free: it is about to be given out");
        var slots = fitting.SelectMany(one => one.Workers).Where(worker => worker.TakesJobs).Sum(worker => worker.Slots);
        return (WaitReason.NoSlot, kind.Labels.IsEmpty
            ? $"all {slots} slots of the workers that offer image '{kind.Image}' are taken"
            : $"all {slots} slots of the workers that offer image '{kind.Image}' and carry {string.Join(", ", kind.Labels)} are taken");
    }
}
