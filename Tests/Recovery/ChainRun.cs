using System.Collections.Concurrent;
using Builds.Cluster;
using Builds.Jobs;
using Builds.Tests.Silos;
using Xunit.Abstractions;

namespace Builds.Tests.Recovery;

/// <summary>What a run has seen: for people, and to be sure that something happened at all.</summary>
internal sealed class Figures
{
    public ConcurrentQueue<TimeSpan> Starts { get; } = [];
    public ConcurrentQueue<TimeSpan> Gone { get; } = [];
    public ConcurrentDictionary<string, int> Points { get; } = [];
    public int Rounds;
    public int Jobs;
    public int AttemptsLost;
    public int WorkerLost;

    public override string ToString() =>
        $"{Rounds} rounds: {Points.Values.Sum()} kills at {Points.Count} of {KnownPoint.OfOneSilo.Count} named points, {Rounds - Points.Values.Sum()} at other moments; " +
        $"{Jobs} jobs, {AttemptsLost} attempts lost, {WorkerLost} jobs failed with worker-lost; " +
        $"start to ready {Middle(Starts)}; kill to the end of the last process {Middle(Gone)}";

    private static string Middle(IEnumerable<TimeSpan> times)
    {
        var sorted = times.Select(time => time.TotalMilliseconds).Order().ToArray();
        return sorted.Length == 0 ? "never seen" : $"p50 {sorted[(sorted.Length - 1) / 2]:0} ms, p99 {sorted[(int)Math.Ceiling((sorted.Length - 1) * 0.99)]:0} ms";
    }
}

/// <summary>Carries out a <see cref="Chain"/>: start, load, kill, look, again; and in the end everything must come to its end.</summary>
internal sealed class ChainRun(Chain chain, Figures figures, ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    private readonly long begin = TimeProvider.System.GetTimestamp();
    private TimeSpan usualStart = TimeSpan.FromSeconds(1);

    private readonly TempFolder folder = new();

    /// <summary>The end of what the last silo left behind, where the next one did not wait for it.</summary>
    private Task<TimeSpan>? ending;

    private DataDirectory Data => DataDirectory.Existing(Path.Combine(folder.Path, "data-" + Path.GetFileName(folder.Path)));
    private ProcessWatch Processes => field ??= new ProcessWatch(Data.Path);
    private RecordWatch Records => field ??= new RecordWatch(Data);
    private Ledger Ledger => field ??= new Ledger(ProcessWatch.RunOf(Data.Path));

    public async Task Run()
    {
        foreach (var round in chain.Rounds)
        {
            Tell($"chain {chain.Number}, {(chain.Bubblewrap ? "bubblewrap" : "process")}, {round}");
            if (round.Kill is Kill.AtPoint { Point.Occasion: Occasion.Recovery })
                await Live(null, Catch, settle: false);
            await Live((round.Kill as Kill.AtPoint)?.ToVariable(), silo => Carry(round, silo), round.Settle);
            Interlocked.Increment(ref figures.Rounds);
        }

        Tell($"chain {chain.Number}: everything is to end");
        await Live(null, End, settle: true);
        Tell($"chain {chain.Number}: everything has ended");
        Interlocked.Add(ref figures.Jobs, Records.Known.Count);
        Interlocked.Add(ref figures.AttemptsLost, Records.Known.Values.Sum(job => job.Lost));
        Interlocked.Add(ref figures.WorkerLost, Records.Known.Values.Count(job => job.Reason == FailReason.WorkerLost));
    }

    public void Dispose() => folder.Dispose();

    private void Tell(string line) => output.WriteLine($"{TimeProvider.System.GetElapsedTime(begin).TotalSeconds,6:0.0} s {line}");

    /// <summary>One silo from start to death, watched; then what it left behind.</summary>
    private async Task Live(string? killPoint, Func<SiloProcess, Task> life, bool settle)
    {
        await using var silo = SiloProcess.Start(Data.Path, chain.Bubblewrap, killPoint);
        try
        {
            await Guarded(silo, life(silo), Processes.Watch(silo.Ended), WatchRecords(silo));
        }
        catch (Exception error)
        {
            throw new HarnessException($"chain {chain.Number}: {error.Message}\n{error.StackTrace}\nThe silo's last words:\n{silo.Said}");
        }

        var killed = TimeProvider.System.GetTimestamp();
        var left = Processes.Alive();
        // Alone, or while the next silo starts: in both cases within the lease.
        var gone = settle ? Processes.AllGone(killed, SiloProcess.Lease + Margin) : ProcessWatch.Gone(left, killed, SiloProcess.Lease + Margin);
        if (settle)
            figures.Gone.Enqueue(await gone);
        else
            ending = gone;
    }

    private async Task Guarded(SiloProcess silo, params Task[] tasks)
    {
        // The first that fails ends the silo, and with it all others.
        var all = Task.WhenAll(tasks);
        while (!all.IsCompleted && !tasks.Any(task => task.IsFaulted))
            await Task.WhenAny([.. tasks.Where(task => !task.IsCompleted), all]);
        if (!silo.Ended.IsCompleted)
            silo.Kill();
        await silo.Ended;
        await all;
        if (ending is not null)
            figures.Gone.Enqueue(await ending);
        ending = null;
    }

    private async Task WatchRecords(SiloProcess silo)
    {
        if (await silo.Ready is not null)
            await Records.Watch(silo.Ended);
    }

    private async Task<SiloClient?> Reach(SiloProcess silo)
    {
        if (await silo.Ready.WaitAsync(Bound) is not { } address)
            return null;
        usualStart = TimeProvider.System.GetElapsedTime(silo.Spawned);
        figures.Starts.Enqueue(usualStart);
        return new SiloClient(silo, address, Admin);
    }

    private string Admin => File.ReadAllText(Data.AdminToken).Trim();

    private async Task Carry(Round round, SiloProcess silo)
    {
        if (round.Kill is Kill.WhileStarting starting)
        {
            await Task.WhenAny(silo.Ended, Task.Delay(starting.Share * usualStart));
            silo.Kill();
        }

        using var client = await Reach(silo);
        if (client is not null)
            await Use(client, round);
        await silo.Ended;
        if (round.Kill is not Kill.AtPoint at)
            return;
        if (!silo.DiedAtKillPoint)
            throw new HarnessException($"the point {at.Point.Name} was not reached {at.Time} times");
        figures.Points.AddOrUpdate(at.Point.Name, 1, (_, count) => count + 1);
    }

    private async Task Use(SiloClient client, Round round)
    {
        await new Inspection(client, Ledger, Admin).AfterStart();
        await Release(client);
        var load = new Load(client, Ledger, round.Seed).Run();
        if (round.Kill is Kill.UnderLoad under)
        {
            await Task.WhenAny(Ledger.Later(under.Events), load).WaitAsync(Bound);
            // Events come in bursts: what lies between two of them is wanted as well.
            await Task.Delay(under.Milliseconds);
            client.Silo.Kill();
        }
        else
        {
            await Task.WhenAny(load, Task.Delay(Bound));
            if (!load.IsCompleted)
                client.Silo.Kill();
        }

        await load;
    }

    /// <summary>Catches two jobs in the middle.</summary>
    private async Task Catch(SiloProcess silo)
    {
        using var client = await Reach(silo) ?? throw new HarnessException("the silo does not start");
        await new Inspection(client, Ledger, Admin).AfterStart();
        var jobs = new[] { Ledger.Add(Recipe.Holds, key: null, execute: true), Ledger.Add(Recipe.Holds, key: null, execute: true) };
        foreach (var job in jobs)
            await Load.Send(client, Ledger, job);
        foreach (var job in jobs)
            await UntilRunning(client, job.Id!.Value);
        silo.Kill();
    }

    /// <summary>Cancels what would run for ever.</summary>
    private async Task Release(SiloClient client)
    {
        foreach (var job in Ledger.Submissions.Where(known => known is { Recipe: var recipe, CancelAcknowledged: false, Id: not null } && recipe == Recipe.Holds))
            job.CancelAcknowledged = await client.Ask(HttpMethod.Post, $"/api/jobs/{job.Id}/cancel") is { Status: 200 };
    }

    private static async Task UntilRunning(SiloClient client, int job)
    {
        // The first look must not wait: for a job that runs already that would be for its end.
        for (var wait = ""; await client.Get($"/api/jobs/{job}{wait}") is { } answer; wait = "?wait=20")
        {
            var status = answer["status"].GetString();
            if (status == "running")
                return;
            if (status != "queued")
                throw new HarnessException($"job {job} was to run for a while: {answer.Body}; its logs: {Text(await client.Bytes($"/logs/{job}/log"))}{Text(await client.Bytes($"/logs/{job}/a/log"))}");
        }

        static string Text(byte[]? log) => log is null ? "(none)" : System.Text.Encoding.UTF8.GetString(log);
    }

    private async Task End(SiloProcess silo)
    {
        using var client = await Reach(silo) ?? throw new HarnessException("the silo does not start");
        await Release(client);
        await new Inspection(client, Ledger, Admin).AtTheEnd(Records);
        silo.Kill();
    }
}
