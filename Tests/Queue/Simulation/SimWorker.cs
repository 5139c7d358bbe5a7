using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Queue;
using Builds.Workers;

namespace Builds.Tests.Queue.Simulation;

/// <summary>A taken slot of a simulated worker.</summary>
public sealed class SimAttempt(JobId job, string dispatchId)
{
    public JobId Job => job;
    public string DispatchId => dispatchId;
    /// <summary>0 until the claim is granted.</summary>
    public int Number { get; set; }
    /// <summary>It has processes.</summary>
    public bool Alive { get; set; }
    public bool Released { get; set; }
    public bool HandBack { get; set; }
    public AttemptEnd? End { get; set; }
    public int Reports { get; set; }
}

/// <summary>
/// One start of a worker, as the real agent behaves: claims, builds, reports, all under the real <see cref="Lease"/>. Its builds die at the
/// very moment the lease ends, also while the worker is frozen: that is what the guard in each sandbox is for.
/// </summary>
public sealed class SimWorker(SimWorld world, string name, long incarnation, ImmutableArray<string> images)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(2);
    private readonly Dictionary<JobId, SimAttempt> held = [];
    private readonly Lease lease = new(SimWorld.Lease.Lease);
    private WorkerStatus status;
    private long sequence;
    private bool dead;
    private TimeSpan frozenUntil;

    public string Name => name;
    public long Incarnation => incarnation;
    public ImmutableArray<string> Images => images;
    /// <summary>The queue activation that this worker's silo believes in.</summary>
    public SimQueue? Believed { get; set; }

    public bool Runs(SimAttempt attempt) => attempt.Alive && !dead && lease.Holds(world.Now);

    public bool IsIdleFor(string image) => !dead && world.Now >= frozenUntil && status == WorkerStatus.Ready && held.Count < world.Plan.Slots && images.Contains(image);

    public void Start()
    {
        Beat();

        void Beat()
        {
            if (dead)
                return;
            Do(SendBeat);
            world.At(SimWorld.Lease.Heartbeat, Beat);
        }
    }

    public void Freeze(TimeSpan length)
    {
        world.Tell($"{name} is frozen for {length.TotalSeconds} s");
        frozenUntil = world.Now + length;
    }

    /// <summary>The process is killed, its builds with it, and a new start of the worker follows.</summary>
    public void Kill(TimeSpan restartAfter)
    {
        if (dead)
            return;
        world.Tell($"{name} is killed");
        dead = true;
        world.At(restartAfter, () =>
        {
            var next = new SimWorker(world, name, incarnation + 1, images);
            world.Workers[world.Workers.IndexOf(this)] = next;
            next.Start();
        });
    }

    public void Drain(TimeSpan grace)
    {
        if (dead || world.Now < frozenUntil)
            return;
        world.Tell($"{name} drains");
        status = WorkerLifecycle.Next(status, held.Count == 0 ? WorkerSignal.Emptied : WorkerSignal.Drain) ?? WorkerStatus.Draining;
        SendBeat();
        world.At(grace, () => Do(() =>
        {
            foreach (var attempt in held.Values.Where(attempt => attempt.End is null).ToList())
            {
                attempt.HandBack = true;
                if (attempt.Alive)
                    Finish(attempt, new AttemptEnd.HandedBack());
            }
        }));
        world.At(grace + TimeSpan.FromSeconds(4), () => Do(() => Kill(world.Upto(3))));
    }

    public void Take(JobId job, string dispatchId, Action<RunResult> reply) => Do(() =>
    {
        reply(new RunResult(Try(), incarnation, sequence));

        RunAnswer Try()
        {
            if (held.TryGetValue(job, out var known))
                return known.DispatchId == dispatchId ? RunAnswer.Accepted : RunAnswer.Full;
            if (!status.TakesJobs())
                return RunAnswer.Draining;
            if (held.Count >= world.Plan.Slots)
                return RunAnswer.Full;
            var attempt = new SimAttempt(job, dispatchId);
            held.Add(job, attempt);
            Claim(attempt);
            return RunAnswer.Accepted;
        }
    });

    public void Holds(JobId job, int attempt, long asked, Action<bool?> reply) => Do(() =>
        reply(asked == incarnation ? held.TryGetValue(job, out var known) && (known.Number == attempt || known.Number == 0) : null));

    private void SendBeat()
    {
        var beat = new Heartbeat(name, incarnation, ++sequence, status, world.Plan.Slots, images, [.. held.Values.Select(job => new HeldJob(job.Job, job.DispatchId, job.Number))]);
        var sent = world.Now;
        var queue = Believed ?? world.Queue;
        world.Send(() =>
        {
            if (queue.Heartbeat(beat) is { } answer)
                world.Send(() => Do(() => Obey(answer, sent)));
        });
    }

    private void Obey(HeartbeatAnswer answer, TimeSpan sent)
    {
        if (answer.Renewed)
            lease.Renew(sent);
        else
            DropAll();
        foreach (var order in answer.Stop)
        {
            if (!held.TryGetValue(order.Job, out var attempt) || attempt.Number != order.Attempt)
                continue;
            if (order.Reason == StopReason.Stale)
                Drop(attempt);
            else if (attempt.Alive)
                Finish(attempt, new AttemptEnd.Failed(order.Reason == StopReason.Cancelled ? FailReason.Cancelled : FailReason.Timeout, null));
        }
    }

    private void Claim(SimAttempt attempt)
    {
        if (attempt.Released)
            return;
        if (attempt.HandBack || !lease.Holds(world.Now))
        {
            Release(attempt);
            return;
        }

        Call(
            () => world.Jobs.Claim(attempt.Job, new JobClaim(name, incarnation, attempt.DispatchId)),
            answer => Claimed(attempt, answer.Job, answer.Granted),
            () => Claim(attempt));
    }

    private void Claimed(SimAttempt attempt, JobState job, bool granted)
    {
        if (attempt.Released)
            return;
        attempt.Number = job.Attempt;
        if (!granted || !lease.Holds(world.Now))
        {
            Release(attempt);
            return;
        }

        if (attempt.HandBack || !images.Contains(job.Image))
        {
            Finish(attempt, attempt.HandBack ? new AttemptEnd.HandedBack() : new AttemptEnd.Failed(FailReason.Setup, null));
            return;
        }

        attempt.Alive = true;
        world.BuildBegins(attempt, this);
        Report(attempt, null);
        var good = world.Hits(80);
        world.At(world.Hits(30) ? TimeSpan.Zero : world.Upto(8), () => Do(() =>
        {
            if (attempt.Alive)
                Finish(attempt, good ? new AttemptEnd.Succeeded() : new AttemptEnd.Failed(FailReason.Task, null));
        }));
    }

    private void Finish(SimAttempt attempt, AttemptEnd end)
    {
        attempt.Alive = false;
        attempt.End = end;
        Report(attempt, end);
    }

    private void Report(SimAttempt attempt, AttemptEnd? end)
    {
        if (attempt.Released)
            return;
        var task = end is AttemptEnd.Succeeded ? BuildTaskStatus.Success : BuildTaskStatus.Running;
        var report = new AttemptReport { Attempt = attempt.Number, Sequence = ++attempt.Reports, Tasks = [task, task == BuildTaskStatus.Running ? BuildTaskStatus.Pending : task], End = end };
        Call(() => world.Jobs.Report(attempt.Job, report), Heard, () =>
        {
            if (end is not null)
                Report(attempt, end);
        });

        void Heard(ReportResult result)
        {
            if (end is not null)
                Release(attempt);
            else if (result == ReportResult.Stale)
                Drop(attempt);
            else if (result == ReportResult.CancelRequested && attempt.Alive)
                Finish(attempt, new AttemptEnd.Failed(FailReason.Cancelled, null));
        }
    }

    private void DropAll()
    {
        foreach (var attempt in held.Values.ToList())
            Drop(attempt);
    }

    private void Drop(SimAttempt attempt)
    {
        attempt.Alive = false;
        Release(attempt);
    }

    private void Release(SimAttempt attempt)
    {
        if (attempt.Released)
            return;
        attempt.Released = true;
        held.Remove(attempt.Job);
        if (held.Count == 0)
            status = WorkerLifecycle.Next(status, WorkerSignal.Emptied) ?? status;
        SendBeat();
    }

    private void Call<T>(Func<T> call, Action<T> answered, Action unknown)
    {
        var over = false;
        world.Send(() =>
        {
            var result = call();
            world.Send(() => Do(() => Once(() => answered(result))));
        });
        world.At(CallTimeout, () => Do(() => Once(unknown)));

        void Once(Action then)
        {
            if (over)
                return;
            over = true;
            then();
        }
    }

    /// <summary>Whatever this process does: not while frozen, not after its end, and never without looking at the lease first.</summary>
    private void Do(Action action)
    {
        if (dead)
            return;
        if (world.Now < frozenUntil)
        {
            world.At(frozenUntil - world.Now, () => Do(action));
            return;
        }

        if (lease.End is not null && !lease.Holds(world.Now) && held.Count > 0)
            DropAll();
        action();
    }
}
