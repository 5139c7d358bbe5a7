using Builds.Jobs;
using Builds.Workers;

namespace Builds.Tests.Cluster;

/// <summary>Drains race with the dispatch of jobs.</summary>
public sealed class DrainRaceTests
{
    private static readonly int Races = Rounds.Of(400);

    [Fact]
    public async Task No_job_lands_on_a_worker_after_its_drain_was_answered()
    {
        await using var cluster = await BuildsTestCluster.Start(slots: 3);
        var worker = cluster.Grains.GetGrain<IWorkerGrain>("worker");
        var random = new Random(1);
        var jobs = new List<JobId>();
        var atOnce = 0;
        for (var race = 0; race < Races; race++)
        {
            var before = cluster.Storage.Attempts;
            var submits = Enumerable.Range(0, 3).Select(_ => cluster.Submit()).ToList();
            // Anything between at once and when the jobs have run, more often early than late.
            for (var pause = random.Next(1 << random.Next(9)); pause > 0; pause--)
                await Task.Yield();
            await worker.Drain(null, null);
            var landed = cluster.Storage.Attempts;

            foreach (var submit in submits)
                jobs.Add((await submit).Id);
            await QueueKnows(cluster);
            cluster.Storage.Attempts.ShouldBe(landed, $"race {race}");
            if (landed == before)
                atOnce++;
            await worker.Resume();
        }

        foreach (var job in jobs)
            await cluster.WaitFor(job, JobStatus.Success);
        // Otherwise there was no race.
        atOnce.ShouldBeInRange(1, Races - 1);
    }

    /// <summary>Waits until the queue has the drain, and whatever it had given out has been answered.</summary>
    private static async Task QueueKnows(BuildsTestCluster cluster)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var calm = 0;
        while (calm < 3)
        {
            bound.IsCancellationRequested.ShouldBeFalse($"under way: {string.Join(", ", cluster.Calls.UnderWay)}");
            var known = (await cluster.Queue.Snapshot()).Workers.Single().Status is WorkerStatus.Draining or WorkerStatus.Drained;
            calm = known && cluster.Calls.UnderWay.Length == 0 ? calm + 1 : 0;
            await Task.Yield();
        }
    }
}
