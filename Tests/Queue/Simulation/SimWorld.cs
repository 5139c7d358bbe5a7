using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Builds.Jobs;

namespace Builds.Tests.Queue.Simulation;

/// <summary>
/// The queue's book, the leases and the jobs' decisions as they are, in simulated silos between which messages are lost, late, repeated and
/// reordered. One thread, one clock, one source of chance. The trouble ends; from then on everything must come right.
/// </summary>
public sealed class SimWorld
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1.2);
    private readonly PriorityQueue<Action, (long Time, long Order)> events = new();
    private readonly List<(SimAttempt Attempt, SimWorker Worker)> builds = [];
    private readonly Dictionary<JobId, TimeSpan> idleSince = [];
    private readonly StringBuilder? story;
    private long order;
    private int jobsToCome;

    /// <param name="tell">Keeps the story of the run, which takes most of the time.</param>
    public SimWorld(SimPlan plan, bool tell)
    {
        Plan = plan;
        story = tell ? new StringBuilder() : null;
        Chance = new Random(plan.Seed ^ 0x5eed);
        Jobs = new SimJobs(this);
        Silos = [.. Enumerable.Range(0, plan.Silos).Select(number => new SimSilo(this, number))];
        Directory = new SimDirectory(this);
    }

    public SimPlan Plan { get; }
    public Random Chance { get; }
    public SimJobs Jobs { get; }
    public SimSilo[] Silos { get; }
    public SimDirectory Directory { get; }
    public TimeSpan Now { get; private set; }
    public DateTimeOffset Wall => Some.Time + Now;
    /// <summary>The database answers nobody until then.</summary>
    public TimeSpan DatabaseDownUntil { get; set; }
    public bool Calm => Now >= SimPlan.TroubleEnds;
    public bool Settled => Now >= SimPlan.SettledFrom;
    public bool Tells => story is not null;
    public int Events { get; private set; }

    /// <summary>Runs a seed; throws with the story when something happens that never may.</summary>
    public static SimWorld Run(SimPlan plan)
    {
        try
        {
            var world = new SimWorld(plan, tell: false);
            world.Run();
            return world;
        }
        catch (SimFaultException)
        {
            // Once more, with the story: the same plan gives the same run.
            new SimWorld(plan, tell: true).Run();
            throw;
        }
    }

    public void Run()
    {
        foreach (var silo in Silos)
            silo.Start();
        SimTrouble.Schedule(this);
        At(SimPlan.SettledFrom, WatchForIdleSlots);

        while (events.TryDequeue(out var next, out var when) && when.Time <= SimPlan.End.Ticks)
        {
            Now = new TimeSpan(when.Time);
            Events++;
            next();
            if (jobsToCome == 0 && Settled && Jobs.Open == 0)
                return;
        }

        foreach (var job in Jobs.All)
        {
            if (!job.Status.IsFinal())
                Fail($"job {job.Id} is still {job.Status.Word()} (attempt {job.Attempt} at {job.Worker}), {(SimPlan.End - SimPlan.TroubleEnds).TotalSeconds} s after the last trouble");
        }
    }

    public void At(TimeSpan delay, Action action) => events.Enqueue(action, (Now.Ticks + delay.Ticks, ++order));

    /// <summary>Submits a job at a time; the run does not end before.</summary>
    public void SubmitAt(TimeSpan when, Action submit)
    {
        jobsToCome++;
        At(when, () =>
        {
            jobsToCome--;
            submit();
        });
    }

    /// <summary>A message that no cut line stops: it may be lost, late, and there twice.</summary>
    public void Send(Action deliver)
    {
        if (!Calm && Hits(Plan.Loss))
            return;
        At(Travel(), deliver);
        if (!Calm && Hits(3))
            At(Travel(), deliver);
    }

    /// <summary>A message from one process to another; what happens there happens when that one is not frozen.</summary>
    public void Send(SimProcess from, SimProcess to, Action deliver)
    {
        if (from == to)
            At(TimeSpan.FromMilliseconds(1), () => to.Do(deliver));
        else if (!from.Silo.IsCutTo(to.Silo))
            Send(() => to.Do(deliver));
    }

    /// <summary>A call of a job, which needs the database; the answer comes back to the process, unless something is in between.</summary>
    public void CallJob(SimProcess from, Action call)
    {
        if (from.SeesDatabase)
            Send(call);
    }

    public bool Hits(int percent) => Chance.Next(100) < percent;

    public TimeSpan Upto(double seconds) => TimeSpan.FromMilliseconds(Chance.Next((int)(seconds * 1000) + 1));

    public void Tell([InterpolatedStringHandlerArgument("")] SimTale tale)
    {
        if (story is not null)
            story.Append(CultureInfo.InvariantCulture, $"{Now.TotalSeconds,8:0.000} ").AppendLine(tale.ToString());
    }

    /// <summary>A build begins: there must be no other one of this job anywhere that is alive.</summary>
    public void BuildBegins(SimAttempt attempt, SimWorker worker)
    {
        builds.RemoveAll(build => !build.Worker.Runs(build.Attempt));
        foreach (var (other, there) in builds)
        {
            if (other.Job == attempt.Job)
                Fail($"job {attempt.Job}: attempt {attempt.Number} begins at {worker.Name} while attempt {other.Number} is alive at {there.Name}");
        }

        builds.Add((attempt, worker));
    }

    public void Fail(string what)
    {
        var told = story?.ToString() ?? "";
        throw new SimFaultException($"{what}\n{Plan}\n{(told.Length > 20_000 ? told[^20_000..] : told)}{Now.TotalSeconds,8:0.000} {what}");
    }

    private TimeSpan Travel() => TimeSpan.FromMilliseconds(!Calm && Hits(Plan.Slow) ? Chance.Next(Plan.Delay + 1) : 1 + Chance.Next(10));

    // A job that waits while a worker that could run it sits there with a free slot: more than a second of it is a fault.
    private void WatchForIdleSlots()
    {
        foreach (var job in Jobs.All)
        {
            if (job.Status != JobStatus.Queued || !Jobs.MayStart(job.Owner) || !Silos.Any(silo => silo.Process is { Dead: false } process && process.Worker.IsIdleFor(job)))
                idleSince.Remove(job.Id);
            else if (!idleSince.TryAdd(job.Id, Now) && Now - idleSince[job.Id] > LongestWait)
                Fail($"job {job.Id} waits since {idleSince[job.Id].TotalSeconds} s while a slot is free");
        }

        At(TimeSpan.FromMilliseconds(200), WatchForIdleSlots);
    }
}

/// <summary>Something happened that never may.</summary>
public sealed class SimFaultException(string what) : Exception(what);

/// <summary>A sentence of the story: put together only where the story is kept.</summary>
[InterpolatedStringHandler]
public ref struct SimTale
{
    private DefaultInterpolatedStringHandler text;

    public SimTale(int literalLength, int formattedCount, SimWorld world, out bool tells)
    {
        tells = world.Tells;
        if (tells)
            text = new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
    }

    public void AppendLiteral(string literal) => text.AppendLiteral(literal);

    public void AppendFormatted<T>(T value) => text.AppendFormatted(value);

    public override string ToString() => text.ToStringAndClear();
}
