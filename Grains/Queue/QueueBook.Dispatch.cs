namespace Builds.Queue;

/// <summary>Who gets what: waiting jobs to free slots.</summary>
public sealed partial class QueueBook
{
    /// <summary>How many jobs of one kind that nobody offers are moved in one call: moving is cheap, a hundred thousand at once are not.</summary>
    private const int MovedAtOnce = 1000;

    /// <summary>Gives waiting jobs to free slots until there is none of either.</summary>
    private void Pump()
    {
        if (waiting.Count == 0 || classes.WithRoom.Count == 0 || !standing.IsActive)
            return;
        while (Next() is { } line)
        {
            var worker = WorkerFor(line.Kind);
            if (standing.IsDead(worker.Name))
            {
                worker.Dead = true;
                classes.Place(worker);
                continue;
            }

            var job = line.First;
            var assignment = new Assignment { Job = job.Id, Owner = job.Owner, DispatchId = newDispatchId(), Since = now.Elapsed };
            // In this order: the owner is kept while there is one or the other.
            Assign(worker, assignment);
            waiting.Remove(job.Id);
            effects.Add(new QueueEffect.Dispatch(worker.Name, worker.Incarnation, job.Id, assignment.DispatchId));
        }
    }

    /// <summary>The line that is next by fair share, of all that some free slot could serve.</summary>
    private OwnerLine? Next()
    {
        OwnerLine? best = null;
        foreach (var one in classes.WithRoom)
        {
            foreach (var kind in one.Kinds)
            {
                if (kind.Order.Min is { } line && (best is null || OwnerLine.NextFirst.Compare(line, best) < 0))
                    best = line;
            }
        }

        return best;
    }

    /// <summary>The one with the most free slots among the least special ones: those with labels are kept for jobs that need them.</summary>
    private WorkerEntry WorkerFor(JobKind kind)
    {
        WorkerEntry? best = null;
        foreach (var one in classes.WithRoom)
        {
            if (!one.Kinds.Contains(kind) || one.WithRoom.Min is not { } freest)
                continue;
            var better = best is null
                || one.LabelCount < best.Class!.LabelCount
                || (one.LabelCount == best.Class!.LabelCount && WorkerEntry.MostFreeFirst.Compare(freest, best) < 0);
            if (better)
                best = freest;
        }

        return best!;
    }

    /// <summary>Nobody offers its image, and it waited long enough: whoever takes it will say so in its setup log.</summary>
    private bool GoesAnywhere(in QueuedFacts job) =>
        classes.All.Count > 0 && now.Wall - job.QueuedAt >= options.UnofferedImage && !classes.Offers(job.Image);

    /// <summary>Moves jobs whose wait for somebody with their image is over to where any worker takes them, and back when somebody has come.</summary>
    private void MoveUnoffered()
    {
        if (classes.All.Count == 0)
            return;
        List<QueuedJob>? moving = null;
        foreach (var kind in waiting.Kinds)
        {
            var offered = classes.Offers(kind.Image);
            if (kind.AnyWorker == !offered)
                continue;
            foreach (var line in kind.Lines)
            {
                if (offered)
                    (moving ??= []).AddRange(line.All.Take(MovedAtOnce));
                else if (now.Wall - line.Oldest.QueuedAt >= options.UnofferedImage)
                    (moving ??= []).AddRange(line.All.Where(job => now.Wall - job.QueuedAt >= options.UnofferedImage).Take(MovedAtOnce));
            }
        }

        foreach (var job in moving ?? [])
        {
            var seen = job.Pass;
            waiting.Put(job.Facts, !job.Line.Kind.AnyWorker).Pass = seen;
        }
    }

    private void Assign(WorkerEntry worker, Assignment assignment)
    {
        worker.Assignments.Add(assignment.Job, assignment);
        assigned.Add(assignment.Job, (worker, assignment));
        classes.Place(worker);
        waiting.CountRunning(assignment.Owner, 1);
    }

    private void Unassign(Jobs.JobId id)
    {
        if (!assigned.Remove(id, out var known))
            return;
        known.Worker.Assignments.Remove(id);
        classes.Place(known.Worker);
        waiting.CountRunning(known.Assignment.Owner, -1);
    }

    // An attempt that a heartbeat showed first has no owner until its record is read.
    private void SetOwner(Assignment assignment, string owner)
    {
        if (assignment.Owner == owner)
            return;
        waiting.CountRunning(assignment.Owner, -1);
        assignment.Owner = owner;
        waiting.CountRunning(owner, 1);
    }
}
