using Builds.Execution;
using Builds.Jobs;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Tests.Cluster;

public sealed class JobClusterTests
{
    private const string Held = "image: held\ntasks:\n- a: 'true'\n- b: 'true'\n";

    [Fact]
    public async Task A_submitted_job_runs_and_succeeds()
    {
        await using var cluster = await BuildsTestCluster.Start();

        var job = await cluster.Submit();
        var done = await cluster.WaitFor(job.Id, JobStatus.Success);

        job.Status.ShouldBe(JobStatus.Queued);
        done.Attempt.ShouldBe(1);
        done.Tasks.ShouldBe([new TaskSnapshot("a", BuildTaskStatus.Success), new TaskSnapshot("b", BuildTaskStatus.Success)]);
    }

    [Fact]
    public async Task A_pending_job_waits_for_its_start()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(execute: false);

        var start = await cluster.Job(job.Id).Start();

        job.Status.ShouldBe(JobStatus.Pending);
        start.ShouldBeOfType<JobChange.Done>();
        await cluster.WaitFor(job.Id, JobStatus.Success);
        (await cluster.Job(job.Id).Start()).ShouldBe(new JobChange.WrongStatus(JobStatus.Success));
    }

    [Fact]
    public async Task A_stale_attempt_is_refused_and_killed()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        var first = await cluster.Executor.Build(job.Id);

        await cluster.Job(job.Id).WorkerLost(1, "the test says so");
        await cluster.AdvanceUntil(async () => (await cluster.Storage.FindOpen(job.Id, default)) is { Attempt: 2 }, "second attempt");
        var second = await cluster.Executor.Build(job.Id, attempt: 2);
        var stale = await cluster.Job(job.Id).Report(new AttemptReport { Attempt = 1, Sequence = 99, Tasks = [BuildTaskStatus.Success, BuildTaskStatus.Success], End = new AttemptEnd.Succeeded() });

        stale.ShouldBe(ReportResult.Stale);
        (await first.Ended.WaitAsync(TimeSpan.FromSeconds(30))).ShouldBeOfType<BuildOutcome.Stopped>();
        first.Kill.IsCancellationRequested.ShouldBeTrue();
        second.End(await second.RunAllTasks());
        (await cluster.WaitFor(job.Id, JobStatus.Success)).Attempt.ShouldBe(2);
    }

    [Fact]
    public async Task Repeated_and_reordered_reports_change_nothing()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var job = await cluster.Submit();
        var grain = cluster.Job(job.Id);
        await grain.Claim(new JobClaim("w", 1, "d"));
        var end = new AttemptReport { Attempt = 1, Sequence = 3, Tasks = [BuildTaskStatus.Success, BuildTaskStatus.Failed], End = new AttemptEnd.Failed(FailReason.Task, null) };

        await grain.Report(end);
        var first = await grain.Get();
        (await grain.Report(end)).ShouldBe(ReportResult.Heard);
        (await grain.Report(new AttemptReport { Attempt = 1, Sequence = 2, Tasks = [BuildTaskStatus.Running, BuildTaskStatus.Pending] })).ShouldBe(ReportResult.Stale);

        (await grain.Get())!.Revision.ShouldBe(first!.Revision);
        first.Status.ShouldBe(JobStatus.Failed);
    }

    [Fact]
    public async Task A_lost_claim_answer_is_made_good_by_the_same_attempt()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(execute: false);
        await cluster.Job(job.Id).Start();
        cluster.Storage.LoseNextAnswer();

        // Whichever write it hit, start or claim, the job runs exactly once.
        await cluster.AdvanceUntil(async () => (await cluster.Storage.Find(job.Id, default))!.Status == JobStatus.Success, "success");

        var plans = cluster.Executor.Plans.Where(plan => plan.Job == job.Id).ToList();
        plans.Count.ShouldBe(1);
        plans[0].Attempt.ShouldBe((await cluster.Job(job.Id).Get())!.Attempt);
    }

    [Fact]
    public async Task A_cancel_wins_or_loses_against_a_claim_and_never_half()
    {
        await using var cluster = await BuildsTestCluster.Start(slots: 8);
        for (var round = 0; round < 50; round++)
        {
            var job = await cluster.Submit();

            await cluster.Job(job.Id).Cancel();
            var done = await cluster.WaitFor(job.Id, seen => seen.Status.IsFinal(), "final");

            if (done.Status == JobStatus.Failed)
                done.Reason.ShouldBe(FailReason.Cancelled);
            else
                done.Attempt.ShouldBe(1);
            done.Tasks.ShouldNotContain(task => task.Status == BuildTaskStatus.Running);
        }
    }

    [Fact]
    public async Task Cancelling_a_running_job_stops_its_build()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(job.Id);
        await build.Recorder.TaskStarted(0, default);

        await cluster.Job(job.Id).Cancel();
        var done = await cluster.WaitFor(job.Id, JobStatus.Failed);

        build.Stop.IsCancellationRequested.ShouldBeTrue();
        build.Kill.IsCancellationRequested.ShouldBeFalse();
        done.Reason.ShouldBe(FailReason.Cancelled);
        done.Tasks[0].Status.ShouldBe(BuildTaskStatus.Failed);
    }

    [Fact]
    public async Task A_job_over_its_time_limit_fails_with_timeout()
    {
        await using var cluster = await BuildsTestCluster.Start(
            configure: services => services.Configure<JobOptions>(options => options.Timeout = TimeSpan.FromSeconds(20)));
        var job = await cluster.Submit(Held);
        await cluster.Executor.Build(job.Id);

        await cluster.AdvanceUntil(async () => (await cluster.Job(job.Id).Get())!.Status == JobStatus.Failed, "failed", TimeSpan.FromSeconds(21));

        (await cluster.Job(job.Id).Get())!.Reason.ShouldBe(FailReason.Timeout);
    }

    [Fact]
    public async Task A_lost_hint_costs_at_most_a_second()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var id = await cluster.Grains.GetGrain<IJobIdGrain>(0).Next();
        var lost = JobDecisions.Submit(id, Some.Submission(), "host", ["a", "b"], cluster.Clock.GetUtcNow()) with { Revision = 1, Updated = cluster.Clock.GetUtcNow() };
        await cluster.Storage.WriteStateAsync("job", cluster.Job(id).GetGrainId(), new Orleans.GrainState<JobState>(lost));

        await cluster.AdvanceUntil(async () => (await cluster.Storage.Find(id, default))!.Status == JobStatus.Success, "success", TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_restarted_queue_finds_a_thousand_waiting_jobs_again()
    {
        var storage = new FakeStorage();
        await using (var before = await BuildsTestCluster.Start(storage: storage, withWorker: false))
        {
            for (var number = 0; number < 1000; number++)
                await before.Submit();
        }

        await using var after = await BuildsTestCluster.Start(slots: 16, storage: storage, incarnation: 2);
        await after.AdvanceUntil(async () => (await storage.Open("default", null, 1000, default)).IsEmpty, "no open job");

        after.Executor.Plans.Count.ShouldBe(1000);
        after.Executor.Plans.Select(plan => plan.Job).Distinct().Count().ShouldBe(1000);
    }

    [Fact]
    public async Task A_restarted_worker_gets_its_jobs_back_as_new_attempts()
    {
        var storage = new FakeStorage();
        var logs = new FakeLogStore();
        JobSnapshot job;
        await using (var before = await BuildsTestCluster.Start(storage: storage, logs: logs))
        {
            job = await before.Submit(Held);
            await (await before.Executor.Build(job.Id)).Recorder.Say("half done", default);
            // As after a kill: nobody hands anything back.
            before.Storage.FailNextWrite();
            before.Service<WorkerAgent>().EndAll(StopCause.Lost);
        }

        await using var after = await BuildsTestCluster.Start(storage: storage, logs: logs, incarnation: 2);
        FakeBuild? build = null;
        await after.AdvanceUntil(async () => (await storage.FindOpen(job.Id, default))!.Attempt == 2, "second attempt");
        build = await after.Executor.Build(job.Id, attempt: 2);
        build.End(await build.RunAllTasks());

        var done = await after.WaitFor(job.Id, JobStatus.Success);
        done.EndedAttempts.Single().Attempt.ShouldBe(1);
        logs.Text(job.Id, 2, null).ShouldContain("attempt 1 was given up: ");
    }

    [Fact]
    public async Task A_second_signal_hands_running_jobs_back_at_once()
    {
        var storage = new FakeStorage();
        await using var cluster = await BuildsTestCluster.Start(storage: storage);
        var job = await cluster.Submit(Held);
        await cluster.Executor.Build(job.Id);

        var host = cluster.Service<WorkerHost>();
        var stop = host.StopAsync(default);
        host.HandBackNow();
        await stop.WaitAsync(TimeSpan.FromSeconds(30));

        var back = (await cluster.Job(job.Id).Get())!;
        back.Status.ShouldBe(JobStatus.Queued);
        back.EndedAttempts.Single().Why.ShouldBe("its worker is leaving");
        (await cluster.Queue.Snapshot()).Workers.Single().Status.ShouldBe(WorkerStatus.Drained);
    }

    [Fact]
    public async Task A_worker_without_answers_kills_its_builds_when_the_lease_ends_and_the_job_runs_again()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit(Held);
        var build = await cluster.Executor.Build(job.Id);
        var agent = cluster.Service<WorkerAgent>();

        // The agent's own rule: no renewed lease, no build.
        agent.EndAll(StopCause.Lost);
        await build.Ended.WaitAsync(TimeSpan.FromSeconds(30));

        await cluster.AdvanceUntil(async () => (await cluster.Storage.FindOpen(job.Id, default)) is { Attempt: 2 }, "second attempt");
        build.Kill.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public async Task An_image_that_nobody_offers_fails_in_setup_with_the_ones_on_offer()
    {
        await using var cluster = await BuildsTestCluster.Start();

        var job = await cluster.Submit("image: plan9\ntasks:\n- a: 'true'\n");
        var done = await cluster.WaitFor(job.Id, JobStatus.Failed);

        (done.Reason, done.Detail).ShouldBe((FailReason.Setup, "image 'plan9' is not on offer here; on offer: host, held"));
    }

    [Fact]
    public async Task A_failed_write_leaves_the_job_as_it_was()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var job = await cluster.Submit();
        cluster.Storage.FailNextWrite();

        await Should.ThrowAsync<Exception>(cluster.Job(job.Id).Cancel());

        (await cluster.Job(job.Id).Get())!.Status.ShouldBe(JobStatus.Queued);
        await cluster.Job(job.Id).Cancel();
        (await cluster.Job(job.Id).Get())!.Reason.ShouldBe(FailReason.Cancelled);
    }
}
