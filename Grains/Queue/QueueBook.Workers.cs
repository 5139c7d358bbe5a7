using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Workers;

namespace Builds.Queue;

/// <summary>Heartbeats, leases, and what becomes of the jobs of a worker that is gone.</summary>
public sealed partial class QueueBook
{
    /// <summary>Jobs whose record could not be read at the first try.</summary>
    private readonly HashSet<JobId> recheck = [];

    public HeartbeatAnswer Heartbeat(Heartbeat beat, QueueTime time)
    {
        now = time;
        var worker = workers.GetValueOrDefault(beat.Worker);
        if (worker is not null && beat.Incarnation < worker.Incarnation)
            return Refuse(beat);
        if (worker is null || beat.Incarnation > worker.Incarnation)
            worker = Welcome(worker, beat);
        if (beat.Sequence <= worker.Sequence)
            return new HeartbeatAnswer(worker.Status != WorkerStatus.Lost, []);

        worker.Sequence = beat.Sequence;
        if (worker.Status == WorkerStatus.Lost && !Return(worker, beat))
            return Refuse(beat);

        worker.Heard = now.Elapsed;
        worker.Status = beat.Status;
        worker.Slots = beat.Slots;
        worker.Images = beat.Images;
        worker.Refused = false;
        var stop = beat.Held.Select(held => Match(worker, held, beat.Sequence)).OfType<StopOrder>().ToImmutableArray();
        DropAbsent(worker, beat);
        Pump();
        return new HeartbeatAnswer(true, stop);
    }

    /// <summary>Time passes: leases end, orphans are looked after. Called several times a second.</summary>
    public void Tick(QueueTime time)
    {
        now = time;
        foreach (var worker in workers.Values)
        {
            if (worker.Status != WorkerStatus.Lost && now.Elapsed - worker.Heard > lease.Lease + lease.Margin)
                Lose(worker, $"worker '{worker.Name}' was silent for {(now.Elapsed - worker.Heard).TotalSeconds:0.0} s");
        }

        foreach (var (id, orphan) in orphans)
            LookAfter(id, orphan);
        foreach (var id in recheck)
            Check(id);
        recheck.Clear();
        Pump();
    }

    /// <summary>The worker's answer to <see cref="QueueEffect.Ask"/>; null if there was none, or if it is another incarnation.</summary>
    public void Asked(QueueEffect.Ask question, bool? holds, QueueTime time)
    {
        now = time;
        if (!orphans.TryGetValue(question.Job, out var orphan) || orphan.Attempt != question.Attempt)
            return;
        orphan.Busy = false;
        if (holds == false)
            GiveUp(question.Job, orphan, $"worker '{question.Worker}' no longer knows of it");
    }

    /// <summary>The job's answer to <see cref="QueueEffect.GiveUp"/>; null if there was none: it is told again.</summary>
    public void GaveUp(QueueEffect.GiveUp order, JobSnapshot? job, QueueTime time)
    {
        now = time;
        if (orphans.TryGetValue(order.Job, out var orphan) && orphan.Attempt == order.Attempt)
        {
            if (job is null)
                orphan.Busy = false;
            else
                orphans.Remove(order.Job);
        }

        // The hint that the job grain sent has the place in the queue; this makes good for a lost one.
        if (job is { Status: JobStatus.Queued })
            Check(order.Job);
        Pump();
    }

    private static HeartbeatAnswer Refuse(Heartbeat beat) =>
        new(false, [.. beat.Held.Select(held => new StopOrder(held.Job, held.Attempt, StopReason.Stale))]);

    private WorkerEntry Welcome(WorkerEntry? before, Heartbeat beat)
    {
        // A new start of the same worker made sure, before its first heartbeat, that nothing of the earlier one is alive.
        if (before is not null)
            Lose(before, $"worker '{before.Name}' was restarted");
        var worker = new WorkerEntry { Name = beat.Worker, Incarnation = beat.Incarnation, Heard = now.Elapsed };
        workers[beat.Worker] = worker;
        return worker;
    }

    /// <summary>A worker that was given up may come back once it holds nothing from before.</summary>
    private static bool Return(WorkerEntry worker, Heartbeat beat)
    {
        if (!beat.Held.IsEmpty || WorkerLifecycle.Next(worker.Status, WorkerSignal.Return) is not { } next)
            return false;
        worker.Status = next;
        return true;
    }

    /// <summary>Brings book and worker together over one job; an order if the worker is to stop it.</summary>
    private StopOrder? Match(WorkerEntry worker, HeldJob held, long sequence)
    {
        if (!assigned.TryGetValue(held.Job, out var known))
        {
            if (waiting.Find(held.Job) is { } queued && held.Attempt > 0 && held.Attempt <= queued.Attempt)
                return new StopOrder(held.Job, held.Attempt, StopReason.Stale);
            if (orphans.TryGetValue(held.Job, out var orphan) && held.Attempt < orphan.Attempt && orphan.Worker != worker.Name)
                return held.Attempt == 0 ? null : new StopOrder(held.Job, held.Attempt, StopReason.Stale);
            return Adopt(worker, held, sequence);
        }

        if (known.Worker != worker)
        {
            if (held.Attempt == 0)
                return null;
            if (held.Attempt < known.Assignment.Attempt)
                return new StopOrder(held.Job, held.Attempt, StopReason.Stale);
            Unassign(held.Job);
            return Adopt(worker, held, sequence);
        }

        known.Assignment.Attempt = Math.Max(known.Assignment.Attempt, held.Attempt);
        return Order(known.Assignment, held);
    }

    // Dispatched by an earlier activation of the queue, or by us with the answer lost.
    private StopOrder? Adopt(WorkerEntry worker, HeldJob held, long sequence)
    {
        orphans.Remove(held.Job, out var orphan);
        var owner = orphan?.Owner ?? waiting.Find(held.Job)?.Owner;
        waiting.Remove(held.Job);
        // Nobody told us of this job: whose it is, whether it is cancelled, or final already, is in its record.
        if (owner is null)
            Check(held.Job);
        var assignment = new Assignment
        {
            Job = held.Job,
            Owner = owner ?? "",
            DispatchId = held.DispatchId,
            Attempt = held.Attempt,
            AcceptedAt = sequence,
            Since = now.Elapsed,
        };
        if (orphan is not null && orphan.Worker == worker.Name)
            assignment.Learn(orphan.Attempt, orphan.CancelRequested);
        Assign(worker, assignment);
        return Order(assignment, held);
    }

    private StopOrder? Order(Assignment assignment, HeldJob held)
    {
        if (held.Attempt == 0)
            return null;
        if (held.Attempt < assignment.Attempt || assignment.Over)
            return new StopOrder(held.Job, held.Attempt, StopReason.Stale);
        if (now.Elapsed - assignment.Since > jobTimeout + DeadlineMargin)
            return new StopOrder(held.Job, held.Attempt, StopReason.Deadline);
        return assignment.CancelRequested ? new StopOrder(held.Job, held.Attempt, StopReason.Cancelled) : null;
    }

    private void DropAbsent(WorkerEntry worker, Heartbeat beat)
    {
        var held = beat.Held.Select(job => job.Job).ToHashSet();
        foreach (var assignment in worker.Assignments.Values.Where(assignment => beat.Sequence > assignment.AcceptedAt && !held.Contains(assignment.Job)).ToList())
        {
            Unassign(assignment.Job);
            if (!assignment.Over)
                Check(assignment.Job);
        }
    }

    private void Lose(WorkerEntry worker, string why)
    {
        worker.Status = WorkerLifecycle.Next(worker.Status, WorkerSignal.Silence) ?? worker.Status;
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

            var orphan = new Orphan(assignment.Attempt, worker.Name, worker.Incarnation, assignment.Owner, now.Elapsed);
            orphans[assignment.Job] = orphan;
            GiveUp(assignment.Job, orphan, why);
        }
    }

    private void LookAfter(JobId id, Orphan orphan)
    {
        if (orphan.Busy)
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
        else if (now.Elapsed - orphan.Since > (2 * lease.Membership) + lease.Lease + lease.Margin)
        {
            // Another queue may have renewed its lease until it learnt that it was replaced: wait that out too.
            GiveUp(id, orphan, $"worker '{orphan.Worker}' was not heard of");
        }
    }

    private void GiveUp(JobId id, Orphan orphan, string why)
    {
        orphan.Busy = true;
        orphan.Doomed = why;
        effects.Add(new QueueEffect.GiveUp(id, orphan.Attempt, why));
    }
}
