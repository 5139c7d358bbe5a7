using Builds.Jobs;
using Builds.Workers;

namespace Builds.Queue;

/// <summary>What becomes of the jobs of a worker that is gone.</summary>
public sealed partial class QueueBook
{
    /// <summary>Jobs that are running by their record, while no worker that we know of has shown them.</summary>
    private readonly Dictionary<JobId, Orphan> orphans = [];

    /// <summary>The worker's answer to <see cref="QueueEffect.Ask"/>; null if there was none, or if it is another incarnation.</summary>
    public void Asked(QueueEffect.Ask question, bool? holds, QueueTime time)
    {
        Advance(time);
        if (!orphans.TryGetValue(question.Job, out var orphan) || orphan.Attempt != question.Attempt)
            return;
        orphan.Busy = false;
        if (holds == false)
            GiveUp(question.Job, orphan, $"worker '{question.Worker}' no longer knows of it");
    }

    /// <summary>The job's answer to <see cref="QueueEffect.GiveUp"/>; null if there was none: it is told again.</summary>
    public void GaveUp(QueueEffect.GiveUp order, JobSnapshot? job, QueueTime time)
    {
        Advance(time);
        if (orphans.TryGetValue(order.Job, out var orphan) && orphan.Attempt == order.Attempt)
        {
            if (job is null)
                orphan.Busy = false;
            else
                RemoveOrphan(order.Job);
        }

        // The hint that the job grain sent has the place in the queue; this makes good for a lost one.
        if (job is { Status: JobStatus.Queued })
            Check(order.Job);
        Pump();
    }

    private void Lose(WorkerEntry worker, string why)
    {
        worker.Status = WorkerLifecycle.Next(worker.Status, WorkerSignal.Silence) ?? worker.Status;
        classes.Leave(worker);
        foreach (var assignment in worker.Assignments.Values.ToList())
        {
            Unassign(assignment.Job);
            if (assignment.Over)
                continue;
            if (assignment.Attempt == 0)
            {
                Check(assignment.Job);
                continue;
            }

            var orphan = new Orphan(assignment.Attempt, worker.Name, worker.Incarnation, assignment.Owner) { Since = now.Elapsed, CancelRequested = assignment.CancelRequested };
            AddOrphan(assignment.Job, orphan);
            GiveUp(assignment.Job, orphan, why);
        }
    }

    private void LookAfter(JobId id, Orphan orphan)
    {
        if (orphan.Busy || !standing.IsActive)
            return;
        if (orphan.Doomed is { } why)
        {
            GiveUp(id, orphan, why);
            return;
        }

        var worker = workers.GetValueOrDefault(orphan.Worker);
        if (worker is not null && worker.Incarnation > orphan.Incarnation)
        {
            GiveUp(id, orphan, $"worker '{orphan.Worker}' was restarted");
        }
        else if (worker is not null && worker.Incarnation == orphan.Incarnation && worker.Status != WorkerStatus.Lost)
        {
            orphan.Busy = true;
            effects.Add(new QueueEffect.Ask(worker.Name, worker.Incarnation, id, orphan.Attempt));
        }
        else if (Certain(orphan.Since) > (2 * lease.Membership) + lease.Lease + lease.Margin)
        {
            // Another queue may have renewed its lease until it learnt that it was replaced: wait that out too.
            GiveUp(id, orphan, $"worker '{orphan.Worker}' was not heard of");
        }
    }

    private void GiveUp(JobId id, Orphan orphan, string why)
    {
        orphan.Doomed = why;
        // Decided, and done as soon as the silo belongs to the cluster again: until then somebody else may know better.
        if (!standing.IsActive)
            return;
        orphan.Busy = true;
        effects.Add(new QueueEffect.GiveUp(id, orphan.Attempt, why));
    }

    private void AddOrphan(JobId id, Orphan orphan)
    {
        RemoveOrphan(id);
        orphans.Add(id, orphan);
        waiting.CountRunning(orphan.Owner, 1);
    }

    private Orphan? RemoveOrphan(JobId id)
    {
        if (orphans.Remove(id, out var orphan))
            waiting.CountRunning(orphan.Owner, -1);
        return orphan;
    }

    private sealed record Orphan(int Attempt, string Worker, long Incarnation, string Owner)
    {
        public TimeSpan Since { get; set; }
        public bool CancelRequested { get; init; }
        /// <summary>A question or a giving-up is under way.</summary>
        public bool Busy { get; set; }
        /// <summary>Why it is given up; set once that is decided, so that a lost call is repeated.</summary>
        public string? Doomed { get; set; }
    }
}
