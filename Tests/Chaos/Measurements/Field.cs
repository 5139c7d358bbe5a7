using System.Collections.Concurrent;
using Builds.Jobs;
using Builds.Support;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos.Measurements;

/// <summary>A cluster of three silos on which something is measured, watched all the time for what must never be.</summary>
internal sealed class Field : IAsyncDisposable
{
    /// <summary>Of each silo: room for the jobs of one that is gone.</summary>
    public const int Slots = 8;

    /// <summary>Far above every aim: what takes longer is stuck.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(25);
    private static readonly string? Keep = Environment.GetEnvironmentVariable("BUILDS_CHAOS_KEEP");

    private readonly ConcurrentQueue<string> mistakes = [];
    private readonly ConcurrentDictionary<(int Job, int Attempt), long> began = [];
    private readonly CancellationTokenSource over = new();
    private readonly Task watch;
    private int seed;

    private Field(ChaosCluster cluster, Figures figures)
    {
        (Cluster, Figures) = (cluster, figures);
        Callers = new Callers(cluster, Mistaken);
        Records = new Records(cluster.ConnectionString, cluster.Witness, Mistaken);
        Ledger = new Ledger(cluster.Run, cluster.Witness.Line);
        Workload = new Workload(Callers, Ledger, Mistaken, seed: 1, CancellationToken.None);
        cluster.Witness.Mistaken += Mistaken;
        cluster.Witness.Began += presence => began.TryAdd((presence.Job, presence.Attempt), presence.Since);
        watch = Records.Watch(over.Token.AsTask());
    }

    public ChaosCluster Cluster { get; }
    public Callers Callers { get; }
    public Records Records { get; }
    public Ledger Ledger { get; }
    public Workload Workload { get; }
    public Figures Figures { get; }

    /// <summary>A new one each time, since many ask at once; spread, since neighbouring seeds begin alike.</summary>
    public Random Random => new(unchecked((int)(Interlocked.Increment(ref seed) * 2654435761L)));

    public IReadOnlyCollection<string> Mistakes => mistakes;

    public static async Task<Field> Start(PostgresServer postgres, Figures figures, Action<string> tell) =>
        new(await ChaosCluster.Start(postgres, 3, tell, _ => [("Worker:Slots", $"{Slots}")]), figures);

    public void Tell(string line) => Cluster.Tell(line);

    public void Mistaken(string mistake)
    {
        Tell($"MISTAKE {mistake}");
        mistakes.Enqueue(mistake);
    }

    /// <summary>When the first process of the attempt said that it runs; null: it has not.</summary>
    public long? Began(int job, int attempt) => began.TryGetValue((job, attempt), out var at) ? at : null;

    /// <summary>The first attempt from this one on that runs, or ran.</summary>
    public long? BeganFrom(int job, int attempt) => Enumerable.Range(attempt, ChaosCluster.MaxAttempts + 1).Select(number => Began(job, number)).FirstOrDefault(at => at is not null);

    public JobStatus? StatusOf(Submission submission) => Records.Of(submission.Id!.Value)?.Status;

    /// <summary>Posts a job until that is acknowledged.</summary>
    public async Task<Submission> Submit(Recipe recipe)
    {
        var submission = Ledger.Add(recipe, key: Guid.NewGuid().ToString(), execute: true);
        while (submission.Id is null)
            await Workload.Send(Random, submission);
        return submission;
    }

    /// <summary>So many jobs at once, until all of them run.</summary>
    public async Task<Submission[]> Running(Recipe recipe, int count)
    {
        var submissions = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => Submit(recipe)));
        await Until(() => submissions.All(job => Began(job.Id!.Value, 1) is not null && StatusOf(job) == JobStatus.Running), $"{count} jobs run", () => Show(submissions));
        return submissions;
    }

    public async Task Cancel(IReadOnlyCollection<Submission> submissions)
    {
        await Task.WhenAll(submissions.Select(submission => Workload.Cancel(Random, submission)));
        await Until(() => submissions.All(IsFinal), "cancelled jobs end", () => Show(submissions));
    }

    public bool IsFinal(Submission submission) => StatusOf(submission)?.IsFinal() == true;

    /// <summary>Waits for it; throws, saying what it saw, when that takes too long or something was found that must never be.</summary>
    public async Task Until(Func<bool> reached, string what, Func<string> seen)
    {
        var since = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(Often);
        while (!reached())
        {
            if (TimeProvider.System.GetElapsedTime(since) > Bound)
                throw new HarnessException($"not within {Bound}: {what}; seen: {seen()}");
            if (!mistakes.IsEmpty)
                throw new HarnessException($"given up waiting until {what}: something else went wrong first");
            await timer.WaitForNextTickAsync();
        }
    }

    public string Show(IEnumerable<Submission> submissions) => string.Join("; ", submissions.Select(one => Records.Of(one.Id!.Value))
        .Select(job => job is null ? "no record" : $"job {job.Id}: {job.Status} on {job.Worker}, attempt {job.Attempt}, lost {job.Lost}, alive: {string.Join(", ", Cluster.Witness.AliveOf(job.Id.Value).Select(one => one.Attempt))}"));

    /// <summary>Waits until the cluster is whole, and stays so for a while: a silo that was frozen needs a moment to find out that it was given up.</summary>
    public async Task UntilCalm(TimeSpan calm)
    {
        var (since, before) = (TimeProvider.System.GetTimestamp(), Processes());
        while (TimeProvider.System.GetElapsedTime(since) < calm)
        {
            await Task.Delay(calm / 10);
            await Cluster.UntilWhole();
            if (Processes() is var now && now != before)
                (since, before) = (TimeProvider.System.GetTimestamp(), now);
        }
    }

    /// <summary>Everything is compared with what was acknowledged and seen.</summary>
    public async Task Settle()
    {
        if (mistakes.IsEmpty)
            await new Settlement(Cluster, Callers, Workload, Ledger, Records, Mistaken).Run();
        foreach (var job in Records.All.Where(job => job.Status == JobStatus.Failed && job.Reason is not FailReason.Cancelled))
            Mistaken($"job {job.Id} failed: {job.Reason}, {job.Detail}; lost {job.Lost} workers");
        Tell($"over: {Ledger.Submissions.Count} jobs, {mistakes.Count} mistakes; {string.Join("; ", Callers.Failures.Select(one => $"{one.Value} times {one.Key}"))}");
    }

    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync();
        await watch;
        if (Keep is not null)
        {
            Directory.CreateDirectory(Keep);
            foreach (var member in Cluster.Members)
                await File.WriteAllTextAsync(Path.Combine(Keep, $"measurement-{member.Name}.log"), member.Said);
        }

        await Records.DisposeAsync();
        Callers.Dispose();
        await Cluster.DisposeAsync();
        over.Dispose();
    }

    private string Processes() => string.Join(' ', Cluster.Members.Select(member => member.Process));
}
