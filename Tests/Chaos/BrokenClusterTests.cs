using System.Collections.Concurrent;
using Builds.Support;
using Builds.Tests.Silos;
using Xunit.Abstractions;

namespace Builds.Tests.Chaos;

/// <summary>A cluster that was broken on purpose is found out.</summary>
public sealed class BrokenClusterTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(3);

    [PostgresFact]
    public async Task Silos_that_ignore_the_lease_that_the_queue_believes_in_are_found_out()
    {
        await using var postgres = await PostgresServer.Start();
        // The queue is on the first silo and gives up after six seconds; the builds of the others would go on for two minutes.
        await using var cluster = await ChaosCluster.Start(
            postgres, 3, output.WriteLine, member => member.Name == "s1" ? [("Worker:Slots", "0")] : [("Lease:Lease", "00:02:00"), ("Execution:FirstLease", "00:01:00")], firstAlone: true);
        var mistakes = new ConcurrentQueue<string>();
        var found = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Mistaken(string mistake)
        {
            mistakes.Enqueue(mistake);
            found.TrySetResult();
        }

        var began = new TaskCompletionSource<Presence>(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Witness.Mistaken += Mistaken;
        cluster.Witness.Began += presence => began.TrySetResult(presence);
        using var callers = new Callers(cluster, Mistaken);
        await using var records = new Records(cluster.ConnectionString, cluster.Witness, Mistaken);
        var ledger = new Ledger(cluster.Run, cluster.Witness.Line);
        var workload = new Workload(callers, ledger, Mistaken, seed: 1, CancellationToken.None);
        var submission = ledger.Add(Recipe.Holds, key: null, execute: true);
        await workload.Send(new Random(1), submission);
        var running = await began.Task.WaitAsync(Bound);
        await records.Look();
        var victim = cluster.Members.Single(member => member.Name == records.Of(running.Job)!.Worker);

        victim.Silo!.Freeze();
        var watch = records.Watch(found.Task);
        await found.Task.WaitAsync(Bound);
        await watch;

        mistakes.ShouldContain(mistake => mistake.Contains("two attempts are alive at once") || mistake.Contains("is alive although its end was stored"));
    }
}
