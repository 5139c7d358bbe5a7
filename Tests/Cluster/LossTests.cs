using System.Collections.Concurrent;
using Builds.Execution;
using Builds.Jobs;
using Builds.Queue;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Tests.Cluster;

/// <summary>Calls that are lost, workers that are lost, grains that are lost.</summary>
public sealed class LossTests
{
    /// <summary>
    /// When a queue that just began gives a silent worker up at the latest: for the first three seconds an earlier activation may have
    /// renewed its lease, and then lease, margin and a tick.
    /// </summary>
    private static readonly TimeSpan AfterStart = TimeSpan.FromSeconds(10);

    /// <summary>How long a worker waits before it repeats a call that failed. The clock must not move on before it does.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);

    private const string Held = "image: held\ntasks:\n- a: 'true'\n- b: 'true'\n";

    [Theory]
    [InlineData(CallFate.RequestLost)]
    [InlineData(CallFate.AnswerLost)]
    public async Task A_claim_or_its_answer_is_lost_and_the_job_runs_once_all_the_same(CallFate fate)
    {
        await using var cluster = await BuildsTestCluster.Start();
        var repeated = cluster.Clock.SomebodyWaits(RetryAfter);
        cluster.Calls.LoseOnce("IJobGrain.Claim", fate);

        var job = await cluster.Submit();
        await repeated;
        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Status == JobStatus.Success, "success", TimeSpan.FromSeconds(5));

        cluster.Executor.Plans.Single().Attempt.ShouldBe(1);
    }

    [Theory]
    [InlineData(CallFate.RequestLost)]
    [InlineData(CallFate.AnswerLost)]
    public async Task The_end_of_a_build_is_reported_until_it_is_heard(CallFate fate)
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(job.Id);
        var repeated = cluster.Clock.SomebodyWaits(RetryAfter);
        cluster.Calls.LoseOnce("IJobGrain.Report", fate);

        build.End(new BuildOutcome.Failed(FailReason.Setup, "no luck"));
        await repeated;
        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Status.IsFinal(), "final", TimeSpan.FromSeconds(5));
        await cluster.AdvanceUntil(async () => (await cluster.Queue.Snapshot()).Workers.Single().Held.IsEmpty, "slot free again", TimeSpan.FromSeconds(5));

        (await cluster.Job(job.Id).Get())!.ShouldSatisfyAllConditions(done => done.Reason.ShouldBe(FailReason.Setup), done => done.Attempt.ShouldBe(1));
    }

    [Fact]
    public async Task Jobs_run_within_a_second_while_every_hint_is_lost()
    {
        await using var cluster = await BuildsTestCluster.Start(slots: 4);
        cluster.Calls.Fate = call => call == "IQueueGrain.Hint" ? CallFate.RequestLost : CallFate.Delivered;

        var jobs = new[] { await cluster.Submit(), await cluster.Submit(), await cluster.Submit() };

        foreach (var job in jobs)
            await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Status == JobStatus.Success, $"job {job.Id} succeeds", TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_cancel_whose_every_hint_is_lost_takes_effect_within_a_minute()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        await cluster.Executor.Build(job.Id);
        cluster.Calls.Fate = call => call is "IQueueGrain.Hint" or "IWorkerGrain.Cancel" ? CallFate.RequestLost : CallFate.Delivered;

        await cluster.Job(job.Id).Cancel();
        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Status == JobStatus.Failed, "failed", TimeSpan.FromSeconds(62));

        (await cluster.Job(job.Id).Get())!.Reason.ShouldBe(FailReason.Cancelled);
    }

    [Fact]
    public async Task A_worker_that_the_queue_does_not_answer_kills_its_builds_and_hands_them_back_and_no_attempt_is_used_up()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(job.Id);

        cluster.Calls.Silence();
        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Status == JobStatus.Queued, "queued again", AfterStart);
        build.Kill.IsCancellationRequested.ShouldBeTrue();
        cluster.Calls.Heal();
        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Attempt == 2, "second attempt", TimeSpan.FromSeconds(5));

        const string Why = "the queue did not answer its worker within the lease of 00:00:05";
        var again = (await cluster.Job(job.Id).Get())!;
        again.EndedAttempts.Single().Why.ShouldBe(Why);
        again.Timeline.Single(entry => entry.Event == JobEventKind.HandedBack).Detail.ShouldBe(Why);
        again.Timeline.ShouldNotContain(entry => entry.Event == JobEventKind.Lost);
        cluster.Logs.Text(job.Id, 1, null).ShouldContain($"The job goes back to the queue: {Why}");
    }

    [Fact]
    public async Task A_worker_that_reaches_nobody_kills_its_builds_when_its_lease_ends_before_the_queue_gives_them_away()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(job.Id);

        cluster.Calls.Silence();
        var silent = cluster.Calls.Fate;
        cluster.Calls.Fate = call => call == "IJobGrain.Report" ? CallFate.RequestLost : silent(call);
        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Status == JobStatus.Queued, "queued again", AfterStart);
        build.Kill.IsCancellationRequested.ShouldBeTrue();
        cluster.Calls.Heal();
        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Attempt == 2, "second attempt", TimeSpan.FromSeconds(5));

        (await cluster.Job(job.Id).Get())!.EndedAttempts.Single().Why.ShouldStartWith("worker 'worker' was silent for ");
    }

    [Fact]
    public async Task A_cancelled_job_of_a_silent_worker_ends_when_the_lease_has_ended()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        await cluster.Executor.Build(job.Id);
        cluster.Calls.Silence();
        var silent = cluster.Calls.Fate;
        cluster.Calls.Fate = call => call == "IWorkerGrain.Cancel" ? CallFate.RequestLost : silent(call);

        await cluster.Job(job.Id).Cancel();
        (await cluster.Job(job.Id).Get())!.Status.ShouldBe(JobStatus.Running);
        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Status == JobStatus.Failed, "failed", AfterStart);

        (await cluster.Job(job.Id).Get())!.Reason.ShouldBe(FailReason.Cancelled);
    }

    [Fact]
    public async Task A_job_that_loses_its_worker_as_often_as_allowed_fails_with_worker_lost_and_tells_why()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);

        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Attempt >= attempt, $"attempt {attempt}");
            await cluster.Executor.Build(job.Id, attempt);
            cluster.Service<WorkerAgent>().EndAll(StopCause.Lost);
        }

        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Status == JobStatus.Failed, "failed");
        var done = (await cluster.Job(job.Id).Get())!;
        done.Reason.ShouldBe(FailReason.WorkerLost);
        done.Detail.ShouldBe("lost its worker 3 times, the most allowed; the last time: worker 'worker' no longer knows of it");
        done.EndedAttempts.Select(ended => (ended.Attempt, ended.Why)).ShouldBe(Enumerable.Range(1, 3).Select(attempt => (attempt, "worker 'worker' no longer knows of it")));
    }

    [Fact]
    public async Task A_job_grain_that_is_lost_while_its_build_runs_makes_no_difference()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(job.Id);
        await build.RunTask(0, BuildTaskStatus.Success);

        await cluster.Deactivate(cluster.Job(job.Id));
        (await cluster.Job(job.Id).Get())!.Status.ShouldBe(JobStatus.Running);
        await build.RunTask(1, BuildTaskStatus.Success);
        build.End(new BuildOutcome.Succeeded());

        var done = await cluster.WaitFor(job.Id, JobStatus.Success);
        done.Attempt.ShouldBe(1);
        done.Tasks.ShouldAllBe(task => task.Status == BuildTaskStatus.Success);
    }

    [Fact]
    public async Task A_queue_that_is_lost_with_a_thousand_jobs_waiting_loses_none_and_runs_none_twice()
    {
        await using var cluster = await BuildsTestCluster.Start(slots: 8);
        var held = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(held.Id);
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(number => cluster.Submit(owner: $"o{number % 7}")));

        await cluster.Deactivate(cluster.Queue);
        await cluster.AdvanceUntil(async () => (await cluster.Storage.Open("default", null, 1000, default)).Length == 1, "all but the held one ended");
        build.End(await build.RunAllTasks());

        (await cluster.WaitFor(held.Id, JobStatus.Success)).Attempt.ShouldBe(1);
        cluster.Executor.Plans.Count.ShouldBe(1001);
        cluster.Executor.Plans.Select(plan => plan.Job).Distinct().Count().ShouldBe(1001);
        cluster.Executor.Plans.ShouldAllBe(plan => plan.Attempt == 1);
    }

    [Fact]
    public async Task A_queue_that_calls_no_longer_go_to_ends_and_the_next_one_knows_what_runs()
    {
        var place = new LosingPlace();
        await using var cluster = await BuildsTestCluster.Start(configure: services => services.AddSingleton<IQueuePlace>(place));
        var held = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(held.Id);

        await cluster.AdvanceUntil(() => Task.FromResult(place.Asked.Count == 2), "a second queue asks for its place");
        build.End(await build.RunAllTasks());

        (await cluster.WaitFor(held.Id, JobStatus.Success)).Attempt.ShouldBe(1);
    }

    /// <summary>Has another activation in the place of the first that asks.</summary>
    private sealed class LosingPlace : IQueuePlace
    {
        public ConcurrentDictionary<ActivationId, bool> Asked { get; } = new();

        public Task<bool> Keep(GrainAddress queue) => Task.FromResult(Asked.GetOrAdd(queue.ActivationId, _ => !Asked.IsEmpty));
    }
}
