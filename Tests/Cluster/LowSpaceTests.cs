using Builds.Execution;
using Builds.Jobs;
using Builds.Space;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Tests.Cluster;

/// <summary>A worker whose disk is nearly full: it begins no build, says so, and goes on by itself.</summary>
public sealed class LowSpaceTests
{
    private const long Gigabyte = FakeDiskSpace.Gigabyte;
    private const string Held = "image: held\ntasks:\n- a: 'true'\n";

    [Fact]
    public async Task Below_the_mark_no_build_begins_and_what_runs_goes_on_until_a_tenth_more_is_free()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var runs = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(runs.Id);

        // Seen before the job is taken, without a tick of the clock.
        cluster.Disks.DataFree = 2 * Gigabyte - 1;
        var waits = await cluster.Submit();
        await cluster.AdvanceUntil(async () => (await Worker(cluster).Status()).Status == WorkerStatus.Draining, "it takes no job");
        (await Worker(cluster).Status()).Drain.ShouldNotBeNull().ShouldSatisfyAllConditions(
            drain => drain.Note.ShouldBe("paused by itself: 2 GiB are free where /data is, and no build begins below 2 GiB (Builds:Space:Low); see 'df -h /data', and free some"),
            drain => drain.Deadline.ShouldBeNull());
        build.End(await build.RunAllTasks());
        await cluster.AdvanceUntil(async () => (await cluster.Job(runs.Id).Get())!.Status == JobStatus.Success, "what ran went on to its end");

        cluster.Disks.DataFree = 2 * Gigabyte + Gigabyte / 10;
        cluster.Clock.Advance(2 * SpaceWatch.Interval);
        (await Worker(cluster).Status()).Status.ShouldBe(WorkerStatus.Drained, "a tenth more is wanted");
        (await cluster.Job(waits.Id).Get())!.Status.ShouldBe(JobStatus.Queued);
        cluster.Disks.DataFree = 2 * Gigabyte + Gigabyte / 4;
        await cluster.AdvanceUntil(async () => (await cluster.Job(waits.Id).Get())!.Status == JobStatus.Success, "there is room again", 2 * SpaceWatch.Interval);
        (await Worker(cluster).Status()).Drain.ShouldBeNull();
    }

    [Fact]
    public async Task An_operators_drain_outlives_it_and_a_resume_lasts_until_the_next_look()
    {
        await using var cluster = await BuildsTestCluster.Start();
        await Worker(cluster).Drain(null, "new disk");
        cluster.Disks.LogsFree = 0;
        await Looks(cluster);
        cluster.Disks.LogsFree = 50 * Gigabyte;
        await Looks(cluster);
        (await Worker(cluster).Status()).ShouldSatisfyAllConditions(
            worker => worker.Status.ShouldBe(WorkerStatus.Drained),
            worker => worker.Drain!.Note.ShouldBe("new disk"));

        cluster.Disks.LogsFree = 0;
        await Looks(cluster);
        (await Worker(cluster).Resume()).ShouldBeOfType<WorkerChange.Done>().Worker.Status.ShouldBe(WorkerStatus.Ready);
        await cluster.AdvanceUntil(async () => (await Worker(cluster).Status()).Drain?.Note?.Contains("where /logs is", StringComparison.Ordinal) == true, "it pauses again", 2 * SpaceWatch.Interval);
    }

    [Fact]
    public async Task A_pause_for_faults_that_ends_leaves_it_alone()
    {
        await using var cluster = await BuildsTestCluster.Start(configure: services => services.Configure<WorkerOptions>(options => options.PauseAfter = 1));
        cluster.Executor.Script = _ => Task.FromResult<BuildOutcome>(new BuildOutcome.Failed(FailReason.Internal, "No space left on device"));
        await cluster.WaitFor((await cluster.Submit()).Id, JobStatus.Failed);
        await cluster.AdvanceUntil(async () => (await Worker(cluster).Status()).Status == WorkerStatus.Drained, "it pauses");
        cluster.Disks.DataFree = 0;
        await cluster.AdvanceUntil(
            async () => (await Worker(cluster).Status()).Drain?.Note?.Contains("0 MiB are free", StringComparison.Ordinal) == true, "the pause for faults is over", TimeSpan.FromSeconds(70));

        (await Worker(cluster).Status()).Status.ShouldBe(WorkerStatus.Drained);
    }

    [Fact]
    public void Cleaning_goes_on_until_builds_may_begin_again()
    {
        var disk = new FakeDiskSpace().Data();
        new SpaceOptions { Low = 10 * Gigabyte, Clean = 10 * Gigabyte }.CleanOf(disk).ShouldBe(11 * Gigabyte);
        new SpaceOptions { Clean = 1 }.CleanOf(disk).ShouldBe(new SpaceOptions().AgainOf(disk), "more than the usual mark of builds");
        new SpaceOptions { Low = 10 * Gigabyte, Clean = 0 }.CleanOf(disk).ShouldBe(0);
    }

    private static IWorkerGrain Worker(BuildsTestCluster cluster) => cluster.Grains.GetGrain<IWorkerGrain>("worker");

    /// <summary>Two looks: the first one has seen the store when the second begins.</summary>
    private static async Task Looks(BuildsTestCluster cluster)
    {
        var end = cluster.Clock.GetUtcNow() + 3 * SpaceWatch.Interval;
        await cluster.AdvanceUntil(() => Task.FromResult(cluster.Clock.GetUtcNow() >= end), "two looks");
    }
}
