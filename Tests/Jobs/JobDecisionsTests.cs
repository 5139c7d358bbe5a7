using Builds.Jobs;

namespace Builds.Tests.Jobs;

public sealed class JobDecisionsTests
{
    private static readonly JobClaim Claim = new("w", 1, "d1");

    [Fact]
    public void The_same_dispatch_claims_the_same_attempt_again()
    {
        var (running, _) = JobDecisions.Claim(Queued(), Claim, Some.Time);

        var (again, granted) = JobDecisions.Claim(running, Claim, Some.Time);

        granted.ShouldBeTrue();
        again.ShouldBeSameAs(running);
    }

    [Fact]
    public void Another_dispatch_is_refused_while_the_job_runs()
    {
        var (running, _) = JobDecisions.Claim(Queued(), Claim, Some.Time);

        JobDecisions.Claim(running, Claim with { DispatchId = "d2" }, Some.Time).Granted.ShouldBeFalse();
    }

    [Fact]
    public void A_dispatch_whose_attempt_was_given_up_claims_no_other()
    {
        var queued = JobDecisions.WorkerLost(Running(), 1, "gone", 3, [], Some.Time);

        JobDecisions.Claim(queued, Claim, Some.Time).ShouldBe((queued, false));

        var again = JobDecisions.WorkerLost(JobDecisions.Claim(queued, Claim with { DispatchId = "d2" }, Some.Time).Job, 2, "gone", 3, [], Some.Time);
        JobDecisions.Claim(again, Claim, Some.Time).Granted.ShouldBeFalse();
    }

    [Fact]
    public void A_report_of_an_earlier_attempt_is_stale()
    {
        var second = JobDecisions.Claim(JobDecisions.WorkerLost(Running(), 1, "gone", 3, [], Some.Time), Claim with { DispatchId = "d2" }, Some.Time).Job;

        JobDecisions.Report(second, Report(1, 9, new AttemptEnd.Succeeded()), [], Some.Time).Result.ShouldBe(ReportResult.Stale);
    }

    [Fact]
    public void An_end_that_is_repeated_is_heard_again()
    {
        var ended = JobDecisions.Report(Running(), Report(1, 1, new AttemptEnd.Succeeded()), [], Some.Time).Job;

        ended.Status.ShouldBe(JobStatus.Success);
        JobDecisions.Report(ended, Report(1, 2, new AttemptEnd.Succeeded()), [], Some.Time).ShouldBe((ended, ReportResult.Heard));
    }

    [Fact]
    public void The_last_allowed_loss_fails_the_job()
    {
        var job = Running();

        job = JobDecisions.WorkerLost(job, 1, "gone", 2, [], Some.Time);
        job.Status.ShouldBe(JobStatus.Queued);
        job = JobDecisions.Claim(job, Claim with { DispatchId = "d2" }, Some.Time).Job;
        job = JobDecisions.WorkerLost(job, 2, "gone again", 2, [], Some.Time);

        (job.Status, job.Reason).ShouldBe((JobStatus.Failed, FailReason.WorkerLost));
        job.Detail.ShouldBe("lost its worker 2 times, the most allowed; the last time: gone again");
    }

    [Fact]
    public void Handing_back_is_free()
    {
        var job = Running();

        for (var attempt = 1; attempt <= 10; attempt++)
        {
            job = JobDecisions.Report(job, Report(attempt, 1, new AttemptEnd.HandedBack()), [], Some.Time).Job;
            job.Status.ShouldBe(JobStatus.Queued);
            job = JobDecisions.Claim(job, Claim with { DispatchId = $"again{attempt}" }, Some.Time).Job;
        }

        job.Lost.ShouldBe(0);
    }

    [Fact]
    public void A_cancel_that_was_asked_for_wins_over_the_next_attempt()
    {
        var cancelled = JobDecisions.Cancel(Running(), Some.Time);

        JobDecisions.WorkerLost(cancelled, 1, "gone", 3, [], Some.Time).Reason.ShouldBe(FailReason.Cancelled);
        JobDecisions.Report(cancelled, Report(1, 1, new AttemptEnd.HandedBack()), [], Some.Time).Job.Reason.ShouldBe(FailReason.Cancelled);
    }

    [Fact]
    public void A_success_with_an_open_task_is_the_machines_failure()
    {
        var report = Report(1, 1, new AttemptEnd.Succeeded()) with { Tasks = [BuildTaskStatus.Success, BuildTaskStatus.Pending] };

        var job = JobDecisions.Report(Running(), report, [], Some.Time).Job;

        (job.Status, job.Reason, job.Detail).ShouldBe((JobStatus.Failed, FailReason.Internal, "the worker reported success, but task 'b' is pending"));
    }

    private static JobState Queued() => JobDecisions.Submit(new JobId(1), Some.Submission(), "host", ["a", "b"], Some.Time);

    private static JobState Running() => JobDecisions.Claim(Queued(), Claim, Some.Time).Job;

    private static AttemptReport Report(int attempt, int sequence, AttemptEnd? end) =>
        new() { Attempt = attempt, Sequence = sequence, Tasks = [BuildTaskStatus.Success, BuildTaskStatus.Success], End = end };
}
