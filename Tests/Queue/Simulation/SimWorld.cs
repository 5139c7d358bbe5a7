using Builds.Jobs;
using Builds.Queue;
using Builds.Workers;

namespace Builds.Tests.Queue.Simulation;

/// <summary>What is drawn for one run; a failing one prints it, and the same plan gives the same run again.</summary>
/// <param name="Loss">Of a hundred messages, how many are lost while the trouble lasts.</param>
/// <param name="Slow">Of a hundred messages, how many take up to <paramref name="Delay"/> milliseconds, so that they overtake each other.</param>
/// <param name="Trouble">How many freezes, kills, drains, cancels and queue changes there are.</param>
public sealed record SimPlan(int Seed, int Workers, int Slots, int Owners, int Jobs, int Loss, int Slow, int Delay, int Trouble);

/// <summary>
/// The queue's book and the jobs' decisions as they are, between simulated workers and a network that delays, loses, repeats and reorders. One
/// thread, one clock, one source of chance. The trouble ends after <see cref="TroubleEnds"/>; from then on everything must come right.
/// </summary>
public sealed class SimWorld
{
    public static readonly TimeSpan TroubleEnds = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan SettledFrom = TroubleEnds + TimeSpan.FromSeconds(20);
    private static readonly TimeSpan End = TroubleEnds + TimeSpan.FromSeconds(130);

    private readonly PriorityQueue<Action, (TimeSpan, long)> events = new();
    private readonly List<string> story = [];
    private readonly List<(SimAttempt Attempt, SimWorker Worker)> builds = [];
    private readonly Dictionary<JobId, TimeSpan> idleSince = [];
    private long order;

    public SimWorld(SimPlan plan)
    {
        Plan = plan;
        Chance = new Random(plan.Seed);
        Jobs = new SimJobs(this);
        Queue = new SimQueue(this, 1);
        Workers = [.. Enumerable.Range(0, plan.Workers).Select(number => new SimWorker(this, $"w{number}", 1, number == 0 ? ["a", "b"] : ["a"]))];
    }

    public SimPlan Plan { get; }
    public Random Chance { get; }
    public SimJobs Jobs { get; }
    /// <summary>The activation that the directory knows.</summary>
    public SimQueue Queue { get; set; }
    public List<SimWorker> Workers { get; }
    public TimeSpan Now { get; private set; }
    public DateTimeOffset Wall => Some.Time + Now;
    public bool Calm => Now >= TroubleEnds;

    /// <summary>What the trouble did is over too.</summary>
    public bool Settled => Now >= SettledFrom;

    public static LeaseOptions Lease { get; } = new();
    public static QueueOptions Options { get; } = new() { UnofferedImage = TimeSpan.FromSeconds(10) };
    public static TimeSpan JobTimeout { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Runs it all; throws with the story when something happens that never may.</summary>
    public void Run()
    {
        Queue.Start();
        foreach (var worker in Workers)
            worker.Start();
        SimTrouble.Schedule(this);
        At(SettledFrom, WatchForIdleSlots);

        while (events.TryDequeue(out var next, out var when) && when.Item1 <= End)
        {
            Now = when.Item1;
            next();
        }

        foreach (var job in Jobs.All)
        {
            if (!job.Status.IsFinal())
                Fail($"job {job.Id} is still {job.Status.Word()} (attempt {job.Attempt} at {job.Worker}), {(End - TroubleEnds).TotalSeconds} s after the last trouble");
        }
    }

    public void At(TimeSpan delay, Action action) => events.Enqueue(action, (Now + delay, ++order));

    /// <summary>A message: it may be lost, late, and there twice.</summary>
    public void Send(Action deliver)
    {
        if (!Calm && Hits(Plan.Loss))
            return;
        At(Travel(), deliver);
        if (!Calm && Hits(3))
            At(Travel(), deliver);
    }

    public bool Hits(int percent) => Chance.Next(100) < percent;

    public TimeSpan Upto(double seconds) => TimeSpan.FromMilliseconds(Chance.Next((int)(seconds * 1000) + 1));

    public void Tell(string what) => story.Add($"{Now.TotalSeconds,8:0.000} {what}");

    /// <summary>A build begins: there must be no other one of this job anywhere that is alive.</summary>
    public void BuildBegins(SimAttempt attempt, SimWorker worker)
    {
        builds.RemoveAll(build => !build.Worker.Runs(build.Attempt));
        foreach (var (other, there) in builds.Where(build => build.Attempt.Job == attempt.Job))
            Fail($"job {attempt.Job}: attempt {attempt.Number} begins at {worker.Name} while attempt {other.Number} is alive at {there.Name}");
        builds.Add((attempt, worker));
    }

    public void Fail(string what) =>
        throw new InvalidOperationException($"{what}\n{Plan}\n{string.Join('\n', story.TakeLast(120))}\n{Now.TotalSeconds,8:0.000} {what}");

    private TimeSpan Travel() => TimeSpan.FromMilliseconds(!Calm && Hits(Plan.Slow) ? Chance.Next(Plan.Delay + 1) : 1 + Chance.Next(10));

    // A job that waits while a worker that could run it sits there with a free slot: more than a second of it is a fault.
    private void WatchForIdleSlots()
    {
        foreach (var job in Jobs.All)
        {
            if (job.Status != JobStatus.Queued || !Workers.Any(worker => worker.IsIdleFor(job.Image)))
                idleSince.Remove(job.Id);
            else if (!idleSince.TryAdd(job.Id, Now) && Now - idleSince[job.Id] > TimeSpan.FromSeconds(1.2))
                Fail($"job {job.Id} waits since {idleSince[job.Id].TotalSeconds} s while a slot is free");
        }

        At(TimeSpan.FromMilliseconds(100), WatchForIdleSlots);
    }
}
