using Builds.Execution;
using Builds.Jobs;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Tests.Cluster;

/// <summary>Executors that do not end what they were told to end.</summary>
public sealed class HungBuildTests
{
    private static readonly TimeSpan HungAfter = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource<BuildOutcome> end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task A_build_that_does_not_end_when_it_is_asked_to_is_killed()
    {
        await using var cluster = await Start();
        var job = await cluster.Submit();
        var build = await cluster.Executor.Build(job.Id);
        await using var kill = build.Kill.Register(() => end.TrySetResult(new BuildOutcome.Stopped()));
        var grace = cluster.Clock.SomebodyWaits(HungAfter);

        await cluster.AdvanceUntil(() => Task.FromResult(build.Stop.IsCancellationRequested), "asked to end", TimeSpan.FromSeconds(21));
        build.Kill.IsCancellationRequested.ShouldBeFalse();
        await grace;
        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Status == JobStatus.Failed, "failed", TimeSpan.FromSeconds(7));

        (await cluster.Job(job.Id).Get())!.ShouldSatisfyAllConditions(
            done => done.Reason.ShouldBe(FailReason.Timeout),
            done => done.Detail.ShouldBe("it ran for longer than 00:00:20, the limit for a job"));
    }

    [Theory]
    [InlineData(FailReason.Cancelled)]
    [InlineData(FailReason.Timeout)]
    public async Task The_job_of_a_build_that_cannot_be_killed_ends_all_the_same_and_its_slot_stays_closed_until_the_build_is_gone(FailReason reason)
    {
        await using var cluster = await Start();
        var job = await cluster.Submit();
        var build = await cluster.Executor.Build(job.Id);
        await build.Recorder.TaskStarted(0, default);
        var grace = cluster.Clock.SomebodyWaits(HungAfter);
        if (reason == FailReason.Cancelled)
            await cluster.Job(job.Id).Cancel();
        var next = await cluster.Submit("image: held\ntasks:\n- a: 'true'\n");

        await cluster.AdvanceUntil(() => Task.FromResult(build.Stop.IsCancellationRequested), "asked to end", TimeSpan.FromSeconds(21));
        await grace;
        var lastWait = cluster.Clock.SomebodyWaits(HungBuild.KillBound);
        await cluster.AdvanceUntil(() => Task.FromResult(build.Kill.IsCancellationRequested), "killed", HungAfter + TimeSpan.FromSeconds(1));
        await lastWait;
        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Status == JobStatus.Failed, "failed", HungBuild.KillBound + TimeSpan.FromSeconds(1));

        var done = (await cluster.Job(job.Id).Get())!;
        (done.Reason, done.Attempt).ShouldBe((reason, 1));
        done.Detail.ShouldNotBeNull().ShouldEndWith("the build could not be ended, and its slot stays closed until it is gone");
        build.Kill.IsCancellationRequested.ShouldBeTrue();
        await Should.ThrowAsync<Builds.Logs.AttemptClosedException>(build.Recorder.SetupOutput("late"u8.ToArray(), default).AsTask());

        var seen = cluster.Clock.GetUtcNow();
        await cluster.AdvanceUntil(() => Task.FromResult(cluster.Clock.GetUtcNow() - seen >= TimeSpan.FromSeconds(10)), "ten seconds later");
        (await cluster.Job(next.Id).Get())!.Status.ShouldBe(JobStatus.Queued, "the slot is not free");
        cluster.Executor.Running.ShouldBe(1);

        end.SetResult(new BuildOutcome.Stopped());
        await cluster.Executor.Build(next.Id);
        (await cluster.Job(job.Id).Get())!.Revision.ShouldBe(done.Revision, "what was told stays");
    }

    [Fact]
    public async Task A_job_that_would_run_again_is_not_given_away_while_its_build_cannot_be_killed()
    {
        await using var cluster = await Start();
        var job = await cluster.Submit();
        await cluster.Executor.Build(job.Id);

        cluster.Service<WorkerAgent>().EndAll(StopCause.HandBack);
        var seen = cluster.Clock.GetUtcNow();
        await cluster.AdvanceUntil(() => Task.FromResult(cluster.Clock.GetUtcNow() - seen >= TimeSpan.FromSeconds(60)), "a minute later");

        (await cluster.Job(job.Id).Get())!.ShouldSatisfyAllConditions(runs => runs.Status.ShouldBe(JobStatus.Running), runs => runs.Attempt.ShouldBe(1));
        end.SetResult(new BuildOutcome.Stopped());
        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Attempt >= 2, "second attempt");
    }

    private async Task<BuildsTestCluster> Start()
    {
        var cluster = await BuildsTestCluster.Start(slots: 1, configure: services =>
        {
            services.Configure<JobOptions>(options => options.Timeout = TimeSpan.FromSeconds(20));
            services.Configure<WorkerOptions>(options => options.HungAfter = HungAfter);
        });
        cluster.Executor.Script = _ => end.Task;
        return cluster;
    }
}
