using Builds.Execution;
using Builds.Jobs;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Tests.Cluster;

/// <summary>A worker that leaves.</summary>
public sealed class DrainTests
{
    private const string Held = "image: held\ntasks:\n- a: 'true'\n- b: 'true'\n";
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_build_that_ends_within_the_grace_counts_and_the_worker_is_gone_as_soon_as_it_is_reported()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(job.Id);

        var stop = cluster.Service<WorkerHost>().StopAsync(default);
        stop.IsCompleted.ShouldBeFalse();
        build.End(await build.RunAllTasks());
        await stop.WaitAsync(Bound);

        (await cluster.Job(job.Id).Get())!.ShouldSatisfyAllConditions(done => done.Status.ShouldBe(JobStatus.Success), done => done.Attempt.ShouldBe(1));
        (await cluster.Queue.Snapshot()).Workers.Single().Status.ShouldBe(WorkerStatus.Drained);
    }

    [Fact]
    public async Task A_worker_that_leaves_takes_nothing_new()
    {
        await using var cluster = await BuildsTestCluster.Start(slots: 2);
        var first = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(first.Id);

        var stop = cluster.Service<WorkerHost>().StopAsync(default);
        (await cluster.Grains.GetGrain<IWorkerGrain>("worker").Run(new JobId(99), "d")).Answer.ShouldBe(RunAnswer.Draining);
        var second = await cluster.Submit();
        await cluster.AdvanceUntil(async () => (await cluster.Queue.Snapshot()).Workers.Single().Status == WorkerStatus.Draining, "draining", TimeSpan.FromSeconds(5));
        build.End(await build.RunAllTasks());
        await stop.WaitAsync(Bound);

        cluster.Executor.Plans.Select(plan => plan.Job).ShouldBe([first.Id]);
        (await cluster.Job(second.Id).Get())!.ShouldSatisfyAllConditions(waits => waits.Status.ShouldBe(JobStatus.Queued), waits => waits.Attempt.ShouldBe(0));
    }

    [Fact]
    public async Task When_the_grace_is_over_what_still_runs_is_handed_back()
    {
        await using var cluster = await BuildsTestCluster.Start(configure: services => services.Configure<WorkerOptions>(options => options.DrainGrace = TimeSpan.FromSeconds(20)));
        var job = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(job.Id);

        var began = cluster.Clock.GetUtcNow();
        var stop = cluster.Service<WorkerHost>().StopAsync(default);
        await cluster.AdvanceUntil(() => Task.FromResult(stop.IsCompleted), "the worker has left", TimeSpan.FromSeconds(30));

        (cluster.Clock.GetUtcNow() - began).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(20));
        build.Kill.IsCancellationRequested.ShouldBeTrue();
        // Fake seconds may pass faster than the last word of an attempt travels, and no longer are waited for than a lease.
        (await cluster.WaitFor(job.Id, JobStatus.Queued)).EndedAttempts.Single().Why.ShouldBe("its worker is leaving");
    }

    [Theory]
    [InlineData(FailReason.Cancelled)]
    [InlineData(FailReason.Timeout)]
    public async Task A_job_that_is_being_ended_is_not_queued_again_because_its_worker_leaves(FailReason reason)
    {
        await using var cluster = await BuildsTestCluster.Start(
            configure: services => services.Configure<JobOptions>(options => options.Timeout = TimeSpan.FromSeconds(20)));
        // It uses its whole grace.
        cluster.Executor.Script = build => Killed(build);
        var job = await cluster.Submit();
        var build = await cluster.Executor.Build(job.Id);
        if (reason == FailReason.Cancelled)
            await cluster.Job(job.Id).Cancel();
        await cluster.AdvanceUntil(() => Task.FromResult(build.Stop.IsCancellationRequested), "the build is asked to end", TimeSpan.FromSeconds(21));

        var host = cluster.Service<WorkerHost>();
        var stop = host.StopAsync(default);
        host.HandBackNow();
        await stop.WaitAsync(Bound);

        (await cluster.Job(job.Id).Get())!.ShouldSatisfyAllConditions(done => done.Status.ShouldBe(JobStatus.Failed), done => done.Reason.ShouldBe(reason));
    }

    private static async Task<BuildOutcome> Killed(FakeBuild build)
    {
        var killed = new TaskCompletionSource<BuildOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var kill = build.Kill.Register(() => killed.TrySetResult(new BuildOutcome.Stopped()));
        return await killed.Task;
    }
}
