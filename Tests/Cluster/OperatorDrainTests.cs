using Builds.Jobs;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Tests.Cluster;

/// <summary>A worker that an operator drains and resumes while its silo goes on.</summary>
public sealed class OperatorDrainTests
{
    private const string Held = "image: held\ntasks:\n- a: 'true'\n- b: 'true'\n";
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task It_takes_nothing_new_finishes_what_it_has_and_goes_on_when_it_is_resumed()
    {
        await using var cluster = await BuildsTestCluster.Start(slots: 2);
        var first = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(first.Id);

        var drained = await Worker(cluster).Drain(null, "new disk");
        drained.ShouldSatisfyAllConditions(
            worker => worker.Status.ShouldBe(WorkerStatus.Draining),
            worker => worker.Drain.ShouldBe(new WorkerDrain(Some.Time, null, "new disk")),
            worker => worker.Running.ShouldBe([new RunningJob(first.Id, 1, Some.Time)]),
            worker => worker.Version.ShouldBe(ProductVersion.Text));
        var second = await cluster.Submit();
        (await Worker(cluster).Run(new JobId(99), "d")).Answer.ShouldBe(RunAnswer.Draining);
        build.End(await build.RunAllTasks());
        await cluster.WaitFor(first.Id, JobStatus.Success);
        await Until(cluster, WorkerStatus.Drained);
        (await cluster.Job(second.Id).Get())!.Status.ShouldBe(JobStatus.Queued);

        (await Worker(cluster).Resume()).ShouldBeOfType<WorkerChange.Done>().Worker.ShouldSatisfyAllConditions(
            worker => worker.Status.ShouldBe(WorkerStatus.Ready),
            worker => worker.Drain.ShouldBeNull());
        await cluster.WaitFor(second.Id, JobStatus.Success);
    }

    [Fact]
    public async Task At_the_deadline_what_still_runs_is_handed_back_without_using_up_an_attempt()
    {
        await using var cluster = await BuildsTestCluster.Start(configure: services => services.Configure<JobOptions>(options => options.MaxAttempts = 1));
        var job = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(job.Id);

        (await Worker(cluster).Drain(TimeSpan.FromSeconds(20), null)).Drain!.Deadline.ShouldBe(Some.Time.AddSeconds(20));
        cluster.Clock.Advance(TimeSpan.FromSeconds(3));
        build.Kill.IsCancellationRequested.ShouldBeFalse();
        await cluster.AdvanceUntil(() => Task.FromResult(build.Kill.IsCancellationRequested), "handed back", TimeSpan.FromSeconds(21));

        (cluster.Clock.GetUtcNow() - Some.Time).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(20));
        var back = await cluster.WaitFor(job.Id, JobStatus.Queued);
        back.Timeline[^2].Event.ShouldBe(JobEventKind.HandedBack);
        await Until(cluster, WorkerStatus.Drained);
        await Worker(cluster).Resume();
        var again = await cluster.Executor.Build(job.Id, attempt: 2);
        again.End(await again.RunAllTasks());
        await cluster.WaitFor(job.Id, JobStatus.Success);
    }

    [Fact]
    public async Task A_deadline_of_nothing_hands_back_at_once()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        await cluster.Executor.Build(job.Id);

        await Worker(cluster).Drain(TimeSpan.Zero, null);

        await cluster.WaitFor(job.Id, JobStatus.Queued);
        await Until(cluster, WorkerStatus.Drained);
    }

    [Fact]
    public async Task The_last_word_on_deadline_and_note_counts_and_a_resume_takes_both_back()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(job.Id);
        await Worker(cluster).Drain(TimeSpan.FromSeconds(2), "one");
        cluster.Clock.Advance(TimeSpan.FromSeconds(1));

        (await Worker(cluster).Drain(null, "two")).Drain.ShouldBe(new WorkerDrain(Some.Time, null, "two"), "it drains since the first word");
        cluster.Clock.Advance(TimeSpan.FromSeconds(2));
        await Worker(cluster).Drain(TimeSpan.FromSeconds(1), null);
        await Worker(cluster).Resume();
        cluster.Clock.Advance(TimeSpan.FromSeconds(1));

        (await Worker(cluster).Status()).ShouldSatisfyAllConditions(
            worker => worker.Status.ShouldBe(WorkerStatus.Ready),
            worker => worker.Drain.ShouldBeNull(),
            worker => worker.Running.Single().Job.ShouldBe(job.Id));
        build.Kill.IsCancellationRequested.ShouldBeFalse();
        build.End(await build.RunAllTasks());
        await cluster.WaitFor(job.Id, JobStatus.Success);
    }

    [Fact]
    public async Task A_claim_under_way_is_answered_before_the_drain_is()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var (job, goOn) = await SubmitUntilClaim(cluster);

        var drain = Worker(cluster).Drain(null, null);
        await Arrived(cluster, drain);
        (await Worker(cluster).Status()).Running.ShouldBe([new RunningJob(job.Id, 0, Some.Time)]);
        drain.IsCompleted.ShouldBeFalse("the claim is still under way");
        goOn.SetResult();

        (await drain.WaitAsync(Bound)).Running.Single().Attempt.ShouldBe(1);
        await cluster.Executor.Build(job.Id);
    }

    [Fact]
    public async Task A_job_whose_claim_is_never_answered_does_not_run_on_a_drained_worker()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var (job, goOn) = await SubmitUntilClaim(cluster);
        var waits = cluster.Clock.SomebodyWaits(TimeSpan.FromSeconds(2));

        var drain = Worker(cluster).Drain(null, null);
        await waits.WaitAsync(Bound);
        cluster.Clock.Advance(TimeSpan.FromSeconds(2));
        (await drain.WaitAsync(Bound)).Running.Single().Attempt.ShouldBe(0);
        goOn.SetResult();

        var back = await cluster.WaitFor(job.Id, found => found.Status == JobStatus.Queued && found.Attempt == 1, "handed back");
        back.EndedAttempts.Single().Why.ShouldBe("its worker is leaving");
        cluster.Executor.Running.ShouldBe(0);
    }

    [Fact]
    public async Task A_silo_that_stops_is_not_resumed()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(job.Id);
        var stop = cluster.Service<WorkerHost>().StopAsync(default);

        (await Worker(cluster).Resume()).ShouldBeOfType<WorkerChange.Leaving>().Worker.Leaving.ShouldBeTrue();
        (await Worker(cluster).Run(new JobId(99), "d")).Answer.ShouldBe(RunAnswer.Draining);

        build.End(await build.RunAllTasks());
        await stop.WaitAsync(Bound);
    }

    [Fact]
    public async Task A_silo_that_was_drained_and_resumed_waits_for_its_builds_when_it_stops()
    {
        await using var cluster = await BuildsTestCluster.Start();
        await Worker(cluster).Drain(null, null);
        await Worker(cluster).Resume();
        var job = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(job.Id);

        var stop = cluster.Service<WorkerHost>().StopAsync(default);
        stop.IsCompleted.ShouldBeFalse();
        build.End(await build.RunAllTasks());
        await stop.WaitAsync(Bound);

        (await cluster.Job(job.Id).Get())!.Status.ShouldBe(JobStatus.Success);
    }

    private static IWorkerGrain Worker(BuildsTestCluster cluster) => cluster.Grains.GetGrain<IWorkerGrain>("worker");

    private static Task Until(BuildsTestCluster cluster, WorkerStatus status) =>
        cluster.AdvanceUntil(async () => (await Worker(cluster).Status()).Status == status, status.ToString(), TimeSpan.FromSeconds(5));

    /// <summary>Waits until the worker has heard the drain, while the clock stands still.</summary>
    private static async Task Arrived(BuildsTestCluster cluster, Task drain)
    {
        using var bound = new CancellationTokenSource(Bound);
        while ((await Worker(cluster).Status()).Status == WorkerStatus.Ready)
            bound.IsCancellationRequested.ShouldBeFalse($"the drain has not arrived; it is {drain.Status}");
    }

    /// <summary>A job whose claim is under way, and stays so until the answer is completed.</summary>
    private static async Task<(JobSnapshot Job, TaskCompletionSource GoOn)> SubmitUntilClaim(BuildsTestCluster cluster)
    {
        var (reached, goOn) = (Source(), Source());
        cluster.Calls.Before = async call =>
        {
            if (call != "IJobGrain.Claim")
                return;
            reached.TrySetResult();
            await goOn.Task;
        };
        var job = await cluster.Submit(Held);
        await reached.Task.WaitAsync(Bound);
        return (job, goOn);
    }

    private static TaskCompletionSource Source() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
