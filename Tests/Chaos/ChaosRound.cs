using System.Collections.Concurrent;
using Builds.Support;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos;

/// <summary>Carries out a <see cref="Plan"/> on a cluster of its own, under load, and looks for what must never be.</summary>
internal sealed class ChaosRound(PostgresServer postgres, Plan plan, Action<string> tell)
{
    private readonly ConcurrentQueue<string> mistakes = [];

    public IReadOnlyCollection<string> Mistakes => mistakes;

    public async Task<RoundFigures> Run()
    {
        var begin = TimeProvider.System.GetTimestamp();
        tell($"seed {plan.Seed}: {string.Join("; ", plan.Troubles)}");
        await using var cluster = await ChaosCluster.Start(postgres, Plan.Members, tell);
        cluster.Tell("all silos are ready");
        using var callers = new Callers(cluster, Mistaken);
        await using var records = new Records(cluster.ConnectionString, cluster.Witness, Mistaken);
        var ledger = new Ledger(cluster.Run, cluster.Witness.Line);
        cluster.Witness.Mistaken += Mistaken;
        using var enough = new CancellationTokenSource();
        var workload = new Workload(callers, ledger, Mistaken, plan.Seed, enough.Token);
        var (work, watch) = (workload.Run(), records.Watch(enough.Token.AsTask()));
        try
        {
            foreach (var trouble in plan.Troubles)
                await Suffer(cluster, trouble);
            await cluster.UntilWhole();
            cluster.Tell("everything is healed");
        }
        catch (HarnessException mistake)
        {
            Mistaken(mistake.Message);
        }

        await enough.CancelAsync();
        await Task.WhenAll(work, watch, workload.Readers());
        var looks = 0;
        if (mistakes.IsEmpty)
            looks = await new Settlement(cluster, callers, workload, ledger, records, Mistaken).Run();
        cluster.Tell($"over: {ledger.Submissions.Count} submissions, {mistakes.Count} mistakes; {string.Join("; ", callers.Failures.Select(one => $"{one.Value} times {one.Key}"))}");
        if (!mistakes.IsEmpty)
            cluster.Keep($"seed{plan.Seed}");
        return RoundFigures.Of(plan, cluster, callers, ledger, records, looks, mistakes.Count, TimeProvider.System.GetElapsedTime(begin));
    }

    private static async Task Suffer(ChaosCluster cluster, Trouble trouble)
    {
        foreach (var fault in trouble.Faults)
        {
            cluster.Tell($"{fault}");
            await fault.Begin(cluster);
        }

        await Task.Delay(trouble.LastsMilliseconds);
        foreach (var fault in trouble.Faults.Reverse())
            await fault.Heal(cluster);
        cluster.Tell("healed");
        await Task.Delay(trouble.PeaceMilliseconds);
    }

    private void Mistaken(string mistake)
    {
        tell($"MISTAKE {mistake}");
        mistakes.Enqueue(mistake);
    }
}

internal static class Waiting
{
    /// <summary>Ends when it is cancelled.</summary>
    public static Task AsTask(this CancellationToken token)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        token.Register(ended.SetResult);
        return ended.Task;
    }
}
