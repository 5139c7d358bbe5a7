using System.Collections.Concurrent;
using Builds.Tests.Recovery;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos.Measurements;

/// <summary>
/// Every silo is replaced in its turn, by SIGTERM, under steady submissions. Callers talk to silos that say they are ready, as a load
/// balancer would have it, and repeat what got no answer with their key. BUILDS_CHAOS_NEXT=FILE is the assembly that the replacements run.
/// </summary>
internal sealed class Rolling(Field field)
{
    private const int PerSecond = 20;

    private static readonly TimeSpan Peace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan HealthCheck = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(2);
    private static readonly string? Next = Environment.GetEnvironmentVariable("BUILDS_CHAOS_NEXT") is { Length: > 0 } next ? next : null;

    private readonly ConcurrentDictionary<Submission, long> sent = [];
    private readonly ConcurrentDictionary<Member, bool> ready = [];
    private int repeats;

    public async Task Run(int times)
    {
        using var enough = new CancellationTokenSource();
        var (checks, submitting) = (CheckHealth(enough.Token), SubmitAll(enough.Token));
        await Task.Delay(Peace);
        for (var time = 0; time < times; time++)
        {
            foreach (var member in field.Cluster.Members)
                await Replace(member);
        }

        await enough.CancelAsync();
        await Task.WhenAll(checks, submitting);
        Submission[] all = [.. sent.Keys];
        await field.Until(() => all.All(field.IsFinal), "every job ends", () => field.Show(all.Where(job => !field.IsFinal(job))));
        foreach (var (job, since) in sent)
            field.Figures.Time("rolling: from submit to start", TimeProvider.System.GetElapsedTime(since, field.BeganFrom(job.Id!.Value, 1)!.Value));
        field.Figures.Count("rolling: jobs", all.Length);
        field.Figures.Count("rolling: repeated submissions", repeats);
        field.Figures.Count("rolling: jobs that were handed back and ran again", all.Count(job => field.Records.Of(job.Id!.Value)!.Attempt > 1));
        field.Figures.Count("rolling: attempts lost", all.Sum(job => field.Records.Of(job.Id!.Value)!.Lost));
    }

    private async Task Replace(Member member)
    {
        var since = TimeProvider.System.GetTimestamp();
        field.Tell($"{member.Name} is replaced{(field.Cluster.QueueHolder == member ? ", which has the queue" : "")}");
        var leaving = member.Silo!;
        member.Terminate();
        await leaving.Ended.WaitAsync(Bound);
        field.Figures.Time("rolling: a silo leaves", TimeProvider.System.GetElapsedTime(since));
        if (leaving.ExitCode != 0)
            field.Mistaken($"{member.Name} was told to leave and ended with {leaving.ExitCode}: {leaving.Said}");
        member.Program = Next ?? member.Program;
        since = TimeProvider.System.GetTimestamp();
        member.Start();
        await field.Cluster.UntilWhole();
        field.Figures.Time("rolling: a silo starts, until it is ready", TimeProvider.System.GetElapsedTime(since));
        await Task.Delay(Peace);
    }

    /// <summary>By the clock, however late this process is: what was due is sent, and its time counts from when it was due.</summary>
    private async Task SubmitAll(CancellationToken enough)
    {
        var sending = new List<Task>();
        var begin = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(0.5 / PerSecond));
        while (!enough.IsCancellationRequested)
        {
            while (begin + (sending.Count * TimeProvider.System.TimestampFrequency / PerSecond) is var due && due <= TimeProvider.System.GetTimestamp())
                sending.Add(SubmitOne(due));
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }

        await Task.WhenAll(sending);
    }

    private async Task SubmitOne(long since)
    {
        var submission = field.Ledger.Add(Recipe.Short, key: Guid.NewGuid().ToString(), execute: true);
        while (TimeProvider.System.GetElapsedTime(since) < Bound)
        {
            Member[] there = [.. field.Cluster.Members.Where(member => ready.GetValueOrDefault(member))];
            if (there.Length > 0 && await field.Callers.Ask(
                field.Random, HttpMethod.Post, "/api/jobs", submission.Body, submission.Key, member: there[Environment.TickCount64 % there.Length]) is { } answer)
            {
                Load.Expect(answer, 200, "POST /api/jobs");
                submission.Acknowledged(answer.Id);
                field.Figures.Time("rolling: a submission is acknowledged", TimeProvider.System.GetElapsedTime(since));
                sent[submission] = since;
                return;
            }

            Interlocked.Increment(ref repeats);
            await Task.Delay(Again);
        }

        field.Mistaken($"a submission failed: no silo acknowledged it within {Bound}");
    }

    private async Task CheckHealth(CancellationToken enough)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(1) };
        using var timer = new PeriodicTimer(HealthCheck);
        while (!enough.IsCancellationRequested)
        {
            await Task.WhenAll(field.Cluster.Members.Select(async member => ready[member] = await IsReady(http, member)));
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private static async Task<bool> IsReady(HttpClient http, Member member)
    {
        if (member.Address is not { } address)
            return false;
        try
        {
            using var answer = await http.GetAsync(new Uri(address, "/health/ready"));
            return answer.IsSuccessStatusCode;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }
}
