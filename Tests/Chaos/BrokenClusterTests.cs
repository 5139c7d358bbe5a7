using System.Collections.Concurrent;
using Builds.Support;
using Builds.Tests.Silos;
using Xunit.Abstractions;

namespace Builds.Tests.Chaos;

/// <summary>A cluster that was broken on purpose is found out.</summary>
public sealed class BrokenClusterTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(150);

    [PostgresFact]
    public async Task Silos_that_ignore_the_lease_that_the_queue_believes_in_are_found_out()
    {
        // The queue gives up after six seconds; the builds of the others would go on for two minutes.
        await using var suspects = await Suspects.Of(bug: null, output.WriteLine, members: 3, ("Lease:Lease", "00:02:00"), ("Execution:FirstLease", "00:01:00"));
        var running = await suspects.Running();

        (await suspects.WorkerOf(running)).Silo!.Freeze();

        (await suspects.Mistake()).ShouldSatisfyAllConditions(IsAliveTooLong);
    }

    [PostgresFact]
    public async Task Silos_whose_queue_loses_hints_for_ever_are_found_out()
    {
        await using var suspects = await Suspects.Of(BrokenSilo.LosesHints, output.WriteLine, members: 1);

        await suspects.Submit();

        (await suspects.Mistake()).ShouldContain("slots were free");
    }

    [BugFact]
    public async Task Silos_that_take_stale_reports_are_found_out()
    {
        await using var suspects = await Suspects.Of(BrokenSilo.TakesStaleReports, output.WriteLine, members: 3);
        var running = await suspects.Running();

        await suspects.Drain(await suspects.WorkerOf(running));

        (await suspects.Mistake()).ShouldSatisfyAllConditions(IsAliveTooLong);
    }

    [BugFact]
    public async Task Silos_that_queue_a_job_again_twice_are_found_out()
    {
        await using var suspects = await Suspects.Of(BrokenSilo.RequeuesTwice, output.WriteLine, members: 3);
        var running = await suspects.Running();

        await (await suspects.WorkerOf(running)).Kill();

        (await suspects.Mistake()).ShouldSatisfyAllConditions(IsAliveTooLong);
    }

    private static void IsAliveTooLong(string mistake) =>
        (mistake.Contains("two attempts are alive at once") || mistake.Contains("is alive although its end was stored")).ShouldBeTrue(mistake);

    /// <summary>Silos, of several the first with the queue and without slots, a job that would run for ever, and who watches.</summary>
    private sealed class Suspects : IAsyncDisposable
    {
        private readonly ChaosCluster cluster;
        private readonly Callers callers;
        private readonly Records records;
        private readonly Ledger ledger;
        private readonly Workload workload;
        private readonly Vigil vigil;
        private readonly DispatchWatch dispatch;
        private readonly Random random = new(1);
        private readonly CancellationTokenSource enough = new();
        private readonly ConcurrentQueue<Presence> began = [];
        private readonly TaskCompletionSource<string> mistake = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Task watch = Task.CompletedTask;

        private Suspects(ChaosCluster cluster)
        {
            this.cluster = cluster;
            void Mistaken(string what) => mistake.TrySetResult(what);
            cluster.Witness.Mistaken += Mistaken;
            cluster.Witness.Began += began.Enqueue;
            callers = new Callers(cluster, Mistaken);
            records = new Records(cluster.ConnectionString, cluster.Witness, Mistaken);
            ledger = new Ledger(cluster.Run, cluster.Witness.Line);
            workload = new Workload(callers, ledger, Mistaken, seed: 1, enough.Token);
            (vigil, dispatch) = (new Vigil(callers, records, Mistaken), new DispatchWatch(Mistaken));
        }

        public static async Task<Suspects> Of(string? bug, Action<string> tell, int members, params (string Name, string Value)[] settings)
        {
            var postgres = await PostgresServer.Shared();
            var suspects = new Suspects(await ChaosCluster.Start(
                postgres, members, tell, member => members > 1 && member.Name == "s1" ? [("Worker:Slots", "0")] : settings, firstAlone: true, bug));
            suspects.watch = Task.WhenAll(suspects.Watch(), suspects.records.Watch(suspects.enough.Token.AsTask()));
            return suspects;
        }

        public async Task Submit()
        {
            var submission = ledger.Add(Recipe.Holds, key: null, execute: true);
            while (submission.Id is null)
                await workload.Send(random, submission);
        }

        /// <summary>The next attempt that begins, of the job that is submitted when there is none.</summary>
        public async Task<Presence> Running()
        {
            if (ledger.Submissions.IsEmpty)
                await Submit();
            using var bound = new CancellationTokenSource(Bound);
            using var timer = new PeriodicTimer(Often);
            Presence? next;
            while (!began.TryDequeue(out next))
                await timer.WaitForNextTickAsync(bound.Token);
            return next;
        }

        public async Task<Member> WorkerOf(Presence presence)
        {
            await records.Look();
            return cluster.Members.Single(member => member.Name == records.Of(presence.Job)!.Worker);
        }

        /// <summary>Has it hand back what it builds, at once.</summary>
        public async Task Drain(Member worker) =>
            (await callers.Ask(random, HttpMethod.Post, $"/api/workers/{worker.Name}/drain", new { deadline = 0 })).ShouldNotBeNull().Status.ShouldBe(200);

        /// <summary>The first thing that somebody noticed.</summary>
        public Task<string> Mistake() => mistake.Task.WaitAsync(Bound);

        public async ValueTask DisposeAsync()
        {
            await enough.CancelAsync();
            await watch;
            callers.Dispose();
            await records.DisposeAsync();
            await cluster.DisposeAsync();
            enough.Dispose();
        }

        private async Task Watch()
        {
            var its = new Random(2);
            while (!enough.IsCancellationRequested)
            {
                await vigil.Look(its, dispatch);
                await Task.Delay(Often, enough.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}

/// <summary>One more cluster with one more bug, half a minute each: for long runs.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BugFactAttribute : FactAttribute
{
    public BugFactAttribute() => Skip = Environment.GetEnvironmentVariable("BUILDS_CHAOS_BUGS") is not { Length: > 0 }
        ? "runs with BUILDS_CHAOS_BUGS=all"
        : Databases.SkipReason;
}
