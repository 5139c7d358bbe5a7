using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Workers;

namespace Builds.Queue;

/// <summary>Heartbeats and leases.</summary>
public sealed partial class QueueBook
{
    /// <summary>
    /// A longer pause between two calls is the queue's own silence (it was frozen, or starved), and no worker's: ticks come more often.
    /// </summary>
    private static readonly TimeSpan OwnSilence = TimeSpan.FromSeconds(1);

    /// <summary>Jobs whose record could not be read at the first try.</summary>
    private readonly HashSet<JobId> recheck = [];

    /// <summary>Until then an earlier activation may have renewed leases without our knowing.</summary>
    private TimeSpan aloneFrom;

    public HeartbeatAnswer Heartbeat(Heartbeat beat, QueueTime time)
    {
        Advance(time);
        var answer = Hear(beat);
        // What is known of leases may be old here, and a worker that ends its builds on an old word loses them for nothing.
        return standing.IsActive ? answer : new HeartbeatAnswer(false, answer.Renewed ? answer.Stop : []) { Withheld = true };
    }

    private HeartbeatAnswer Hear(Heartbeat beat)
    {
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
        worker.Labels = beat.Labels;
        worker.Refused = false;
        if (classes.Join(worker))
            MoveUnoffered();
        var stop = beat.Held.Select(held => Match(worker, held, beat.Sequence)).OfType<StopOrder>().ToImmutableArray();
        DropAbsent(worker, beat);
        classes.Place(worker);
        Pump();
        return new HeartbeatAnswer(true, stop);
    }

    /// <summary>Time passes: leases end, orphans are looked after. Called several times a second.</summary>
    public void Tick(QueueTime time)
    {
        Advance(time);
        var active = standing.IsActive;
        foreach (var worker in workers.Values)
        {
            if (worker.Status == WorkerStatus.Lost)
                continue;
            var dead = standing.IsDead(worker.Name);
            if (worker.Dead != dead)
            {
                worker.Dead = dead;
                classes.Place(worker);
            }

            if (active && LeaseIsOver(worker))
                Lose(worker, $"worker '{worker.Name}' was silent for {(now.Elapsed - worker.Heard).TotalSeconds:0.0} s");
        }

        foreach (var (id, orphan) in orphans)
            LookAfter(id, orphan);
        foreach (var id in recheck)
            Check(id);
        recheck.Clear();
        DropExpiredAdmissions();
        MoveUnoffered();
        Pump();
    }

    /// <summary>
    /// Whether the lease of a worker that was last heard of then is over, whoever may have renewed it: until <see cref="aloneFrom"/> an
    /// earlier activation may have, and since the last sure sign that our silo is a member a later one.
    /// </summary>
    private bool LeaseIsOver(WorkerEntry worker) => Certain(worker.Heard > aloneFrom ? worker.Heard : aloneFrom) > lease.Lease + lease.Margin;

    /// <summary>For how long since then no later activation can have been about.</summary>
    private TimeSpan Certain(TimeSpan since) => now.Elapsed - standing.SinceActive - since;

    private void Advance(QueueTime time)
    {
        var pause = time.Elapsed - now.Elapsed;
        now = time;
        if (pause <= OwnSilence)
            return;
        aloneFrom += pause;
        foreach (var worker in workers.Values)
            worker.Heard += pause;
        foreach (var orphan in orphans.Values)
            orphan.Since += pause;
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
        var orphan = RemoveOrphan(held.Job);
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
}
