using Builds.Execution;
using Builds.Jobs;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Tests.Cluster;

/// <summary>A worker on a machine whose own part fails: it pauses by itself, for longer each time, and says so.</summary>
public sealed class PauseTests
{
    private static readonly BuildOutcome Broken = new BuildOutcome.Failed(FailReason.Internal, "the sandbox does not start");

    [Fact]
    public async Task After_three_faults_in_a_row_it_takes_nothing_for_a_while_and_for_longer_after_the_next()
    {
        await using var cluster = await BuildsTestCluster.Start();
        cluster.Executor.Script = _ => Task.FromResult(Broken);
        for (var fault = 0; fault < 3; fault++)
            await cluster.WaitFor((await cluster.Submit()).Id, JobStatus.Failed);

        var paused = await Until(cluster, WorkerStatus.Drained);
        paused.Drain!.Note.ShouldBe($"paused by itself until {Some.Time.AddMinutes(1):u}: 3 builds in a row failed through this machine, the last one since the sandbox does not start");
        var waiting = await cluster.Submit();
        await cluster.AdvanceUntil(async () => (await cluster.Job(waiting.Id).Get())!.Status == JobStatus.Failed, "the pause is over, and it fails too", TimeSpan.FromSeconds(70));
        (await Until(cluster, WorkerStatus.Drained)).Drain!.Note!.ShouldContain(": 3 builds in a row");
        var since = cluster.Clock.GetUtcNow();

        cluster.Executor.Script = build => build.RunAllTasks();
        var good = await cluster.Submit();
        await cluster.AdvanceUntil(async () => (await cluster.Job(good.Id).Get())!.Status == JobStatus.Success, "the second pause is over", TimeSpan.FromSeconds(130));
        (cluster.Clock.GetUtcNow() - since).ShouldBeGreaterThan(TimeSpan.FromMinutes(1.9));
    }

    [Fact]
    public async Task Faults_of_the_user_and_a_good_build_in_between_do_not_count()
    {
        await using var cluster = await BuildsTestCluster.Start(configure: services => services.Configure<WorkerOptions>(options => options.PauseAfter = 2));
        foreach (var outcome in new[] { Broken, new BuildOutcome.Failed(FailReason.Setup, "no such package"), Broken, new BuildOutcome.Failed(FailReason.Limit, "memory") })
        {
            cluster.Executor.Script = _ => Task.FromResult(outcome);
            await cluster.WaitFor((await cluster.Submit()).Id, JobStatus.Failed);
        }

        (await Worker(cluster).Status()).Status.ShouldBe(WorkerStatus.Ready);
    }

    [Fact]
    public async Task An_operator_ends_a_pause_and_has_the_last_word()
    {
        await using var cluster = await BuildsTestCluster.Start(configure: services => services.Configure<WorkerOptions>(options => options.PauseAfter = 1));
        cluster.Executor.Script = _ => Task.FromResult(Broken);
        await cluster.WaitFor((await cluster.Submit()).Id, JobStatus.Failed);
        await Until(cluster, WorkerStatus.Drained);

        await Worker(cluster).Drain(null, "looking into it");
        cluster.Clock.Advance(TimeSpan.FromMinutes(2));

        (await Worker(cluster).Status()).ShouldSatisfyAllConditions(
            worker => worker.Status.ShouldBe(WorkerStatus.Drained),
            worker => worker.Drain!.Note.ShouldBe("looking into it"));
        (await Worker(cluster).Resume()).ShouldBeOfType<WorkerChange.Done>().Worker.Status.ShouldBe(WorkerStatus.Ready);
    }

    private static IWorkerGrain Worker(BuildsTestCluster cluster) => cluster.Grains.GetGrain<IWorkerGrain>("worker");

    private static async Task<WorkerReport> Until(BuildsTestCluster cluster, WorkerStatus status)
    {
        await cluster.AdvanceUntil(async () => (await Worker(cluster).Status()).Status == status, status.ToString(), TimeSpan.FromSeconds(5));
        return await Worker(cluster).Status();
    }
}
