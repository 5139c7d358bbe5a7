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
/// The worker of a process, as the real agent behaves: claims, builds, reports, all under the real <see cref="Lease"/>. Its builds die at the
/// very moment the lease ends, also while the process is frozen: that is what the guard in each sandbox is for.
/// </summary>
public sealed class SimWorker(SimWorld world, SimProcess process)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(2);
    private static readonly ImmutableArray<BuildTaskStatus> Begun = [BuildTaskStatus.Running, BuildTaskStatus.Pending];
    private static readonly ImmutableArray<BuildTaskStatus> Done = [BuildTaskStatus.Success, BuildTaskStatus.Success];
    private readonly Dictionary<JobId, SimAttempt> held = [];
    private readonly Lease lease = new(SimPlan.Lease.Lease);
    private WorkerStatus status;
    private long sequence;

    public string Name => process.Silo.Name;

    private bool LeaseHolds => lease.Holds(world.Now) || world.Plan.Bug == SimBug.LeaseIgnored;

    public bool Runs(SimAttempt attempt) => attempt.Alive && !process.Dead && LeaseHolds;

    public bool IsIdleFor(JobState job) =>
        !process.IsFrozen && status == WorkerStatus.Ready && held.Count < world.Plan.Slots && process.Silo.Pool == job.Pool
        && process.Silo.Images.Contains(job.Image) && job.Labels.All(label => process.Silo.Labels.Contains(label));

    public void Start()
    {
        if (process.Dead)
            return;
        Do(SendBeat);
        world.At(SimPlan.Lease.Heartbeat, Start);
    }

    public void Drain(TimeSpan grace) => Do(() =>
    {
        world.Tell($"{Name} drains");
        status = WorkerLifecycle.Next(status, WorkerSignal.Drain) ?? status;
        if (held.Count == 0)
            status = WorkerLifecycle.Next(status, WorkerSignal.Emptied) ?? status;
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
        world.At(grace + TimeSpan.FromSeconds(4), () => Do(() => process.Kill(world.Upto(3))));
    });

    public void Take(JobId job, string dispatchId, Action<RunResult> reply)
    {
        Do(() => reply(new RunResult(Try(), process.Incarnation, sequence)));

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
    }

    public void Holds(JobId job, int attempt, long asked, Action<bool?> reply) => Do(() =>
        reply(asked == process.Incarnation ? held.TryGetValue(job, out var known) && (known.Number == attempt || known.Number == 0) : null));

    private void SendBeat()
    {
        var jobs = ImmutableArray.CreateBuilder<HeldJob>(held.Count);
        foreach (var job in held.Values)
            jobs.Add(new HeldJob(job.Job, job.DispatchId, job.Number));
        lease.Ask(world.Now);
        var beat = new Heartbeat(Name, process.Incarnation, ++sequence, status, world.Plan.Slots, process.Silo.Images, jobs.MoveToImmutable()) { Labels = process.Silo.Labels };
        var sent = world.Now;
        if (world.Directory.Find(process, process.Silo.Pool) is not { } queue)
            return;
        world.Send(process, queue.Process, () =>
        {
            var answer = queue.Heartbeat(beat);
            world.Send(queue.Process, process, () => Do(() => Obey(answer, sent)));
        });
    }

    private void Obey(HeartbeatAnswer answer, TimeSpan sent)
    {
        if (answer is { Withheld: false, Renewed: true })
            lease.Renew(sent);
        else if (!answer.Withheld)
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
        if (attempt.HandBack || !LeaseHolds)
        {
            Release(attempt);
            return;
        }

        Call(
            () => world.Jobs.Claim(attempt.Job, new JobClaim(Name, process.Incarnation, attempt.DispatchId)),
            answer => Claimed(attempt, answer.Job, answer.Granted),
            () => Claim(attempt));
    }

    private void Claimed(SimAttempt attempt, JobState job, bool granted)
    {
        if (attempt.Released)
            return;
        attempt.Number = job.Attempt;
        if (!granted || (!LeaseHolds && !lease.AskedInTime(world.Now)))
        {
            Release(attempt);
            return;
        }

        if (!LeaseHolds)
        {
            Finish(attempt, new AttemptEnd.HandedBack());
            return;
        }

        var silo = process.Silo;
        if (job.Pool != silo.Pool)
            world.Fail($"job {job.Id} of pool {job.Pool} began at {Name}, which is of pool {silo.Pool}");
        if (attempt.HandBack || !silo.Images.Contains(job.Image))
        {
            Finish(attempt, attempt.HandBack ? new AttemptEnd.HandedBack() : new AttemptEnd.Failed(FailReason.Setup, null));
            return;
        }

        if (job.Labels.Any(label => !silo.Labels.Contains(label)))
            world.Fail($"job {job.Id} began at {Name}, which does not carry {string.Join(", ", job.Labels)}");
        attempt.Alive = true;
        world.BuildBegins(attempt, this);
        Report(attempt, null);
        var good = world.Hits(80);
        world.At(world.Hits(20) ? TimeSpan.Zero : world.Upto(world.Calm || world.Hits(50) ? 6 : 30), () => Do(() =>
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
        var report = new AttemptReport { Attempt = attempt.Number, Sequence = ++attempt.Reports, Tasks = end is AttemptEnd.Succeeded ? Done : Begun, End = end };
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
        var once = new SimCall(world, process, CallTimeout, () => Do(unknown));
        world.CallJob(process, () =>
        {
            var result = call();
            world.Send(() => Do(() => once.Answer(() => answered(result))));
        });
    }

    /// <summary>Whatever this worker does: never without looking at the lease first.</summary>
    private void Do(Action action) => process.Do(() =>
    {
        if (lease.End is not null && !LeaseHolds && held.Count > 0)
            EndAll();
        action();
    });

    private void EndAll()
    {
        if (!lease.AskedInTime(world.Now))
            DropAll();
        foreach (var attempt in held.Values.Where(attempt => attempt.Alive).ToList())
            Finish(attempt, new AttemptEnd.HandedBack());
    }
}
