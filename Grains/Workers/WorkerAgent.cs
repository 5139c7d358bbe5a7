using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Queue;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Builds.Workers;

/// <summary>
/// The worker itself: its slots, what runs in them, and the lease under which it may run at all. One per silo. The worker grain and
/// the heartbeat come in from different threads, so everything that they share is under one lock, which no call out holds.
/// </summary>
public sealed partial class WorkerAgent(
    WorkerIdentity identity,
    AttemptRunner runner,
    IOptions<WorkerOptions> options,
    IOptions<LeaseOptions> leaseOptions,
    IBootClock boot,
    TimeProvider clock,
    ILogger<WorkerAgent> logger)
{
    private readonly Lock gate = new();
    private readonly Lease lease = new(leaseOptions.Value.Lease);
    private readonly Dictionary<JobId, HeldAttempt> held = [];
    private readonly ImmutableArray<string> labels = options.Value.LabelList;
    private readonly SortedSet<int> freeSlots = [.. Enumerable.Range(0, options.Value.Slots)];
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WorkerStatus status = WorkerStatus.Ready;
    private long sequence;

    public WorkerIdentity Identity => identity;

    /// <summary>The queue offers a job: takes a slot and begins to claim it, in the background.</summary>
    public RunResult Take(JobId job, string dispatchId)
    {
        lock (gate)
        {
            if (held.TryGetValue(job, out var known))
                return Answer(known.DispatchId == dispatchId ? RunAnswer.Accepted : RunAnswer.Full);
            if (!status.TakesJobs())
                return Answer(RunAnswer.Draining);
            if (freeSlots.Count == 0)
                return Answer(RunAnswer.Full);

            var slot = freeSlots.Min;
            freeSlots.Remove(slot);
            var attempt = new HeldAttempt(job, dispatchId, slot) { Since = clock.GetUtcNow() };
            held.Add(job, attempt);
            Hold(attempt).Ignore();
            return Answer(RunAnswer.Accepted);
        }

        RunResult Answer(RunAnswer answer) => new(answer, identity.Incarnation, sequence);
    }

    public bool? Holds(JobId job, int attempt, long incarnation)
    {
        lock (gate)
            return incarnation == identity.Incarnation ? held.TryGetValue(job, out var known) && (known.Attempt == attempt || known.Attempt == 0) : null;
    }

    /// <summary>Ends an attempt if it is held.</summary>
    public void End(JobId job, int attempt, StopCause cause)
    {
        HeldAttempt? known;
        lock (gate)
            known = held.GetValueOrDefault(job);
        if (known is not null && known.Attempt == attempt)
            known.End(cause);
    }

    public void EndAll(StopCause cause)
    {
        HeldAttempt[] all;
        lock (gate)
            all = [.. held.Values];
        foreach (var attempt in all)
            attempt.End(cause);
    }

    /// <summary>How many jobs it holds: those that run, and those being claimed.</summary>
    public int Held
    {
        get
        {
            lock (gate)
                return held.Count;
        }
    }

    /// <summary>The next heartbeat, and a task that completes when there is something new to tell.</summary>
    public (Heartbeat Beat, Task Changed) NextHeartbeat(IEnumerable<string> images)
    {
        lock (gate)
        {
            lease.Ask(boot.Now);
            changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var beat = new Heartbeat(
                identity.Name,
                identity.Incarnation,
                ++sequence,
                status,
                options.Value.Slots,
                [.. images],
                [.. held.Values.Select(attempt => new HeldJob(attempt.Job, attempt.DispatchId, attempt.Attempt))])
            {
                Labels = labels,
            };
            return (beat, changed.Task);
        }
    }

    /// <summary>
    /// A heartbeat sent at <paramref name="sent"/> (since boot) was answered; answers when the lease ends now. A lease that had ended is a
    /// new one: nothing that began under the old one may go on.
    /// </summary>
    public TimeSpan Renew(TimeSpan sent)
    {
        EndIfLeaseIsOver();
        lock (gate)
        {
            lease.Renew(sent);
            return lease.End!.Value;
        }
    }

    /// <summary>Ends everything here if the lease is over.</summary>
    public void EndIfLeaseIsOver()
    {
        if (LeaseLeft <= TimeSpan.Zero)
            EndAll(LeaseEnd);
    }

    /// <summary>Why an attempt ends here now, if it is for the lease.</summary>
    public StopCause LeaseEnd
    {
        get
        {
            lock (gate)
                return lease.AskedInTime(boot.Now) ? StopCause.LeaseOver : StopCause.Lost;
        }
    }

    public bool LeaseHolds
    {
        get
        {
            lock (gate)
                return lease.Holds(boot.Now);
        }
    }

    /// <summary>Time until the lease ends; null before the first one; zero or less when it is over.</summary>
    public TimeSpan? LeaseLeft
    {
        get
        {
            lock (gate)
                return lease.End - boot.Now;
        }
    }

    private async Task Hold(HeldAttempt attempt)
    {
        try
        {
            // Not on the grain's scheduler: a build takes long, and a claim calls a grain.
            await Task.Run(() => runner.Run(attempt, this));
        }
        finally
        {
            Release(attempt);
        }
    }

    /// <summary>The attempt's number is known now: the queue should hear of it.</summary>
    internal void Claimed(HeldAttempt attempt, int number)
    {
        lock (gate)
            attempt.Attempt = number;
        attempt.AnswerClaim();
    }

    private void Release(HeldAttempt attempt)
    {
        lock (gate)
        {
            held.Remove(attempt.Job);
            freeSlots.Add(attempt.Slot);
            if (held.Count == 0)
            {
                status = WorkerLifecycle.Next(status, WorkerSignal.Emptied) ?? status;
                empty?.TrySetResult();
            }

            Wake();
        }

        attempt.AnswerClaim();
        attempt.Dispose();
    }

    private void Wake() => changed.TrySetResult();
}
