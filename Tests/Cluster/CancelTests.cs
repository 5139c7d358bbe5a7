using Builds.Jobs;

namespace Builds.Tests.Cluster;

/// <summary>A cancel and a claim of the same job, in both orders and at once. The test plays the worker.</summary>
public sealed class CancelTests
{
    private static readonly JobClaim Claim = new("w", 1, "d");

    [Fact]
    public async Task A_cancelled_job_cannot_be_claimed()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var job = cluster.Job((await cluster.Submit()).Id);

        await job.Cancel();

        (await job.Claim(Claim)).ShouldBe(new ClaimResult.Refused(JobStatus.Failed));
        (await job.Get())!.ShouldSatisfyAllConditions(seen => seen.Reason.ShouldBe(FailReason.Cancelled), seen => seen.Attempt.ShouldBe(0));
    }

    [Fact]
    public async Task A_claimed_job_runs_on_until_its_worker_says_that_it_stopped()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var job = cluster.Job((await cluster.Submit()).Id);
        await job.Claim(Claim);

        var answer = (await job.Cancel()).ShouldBeOfType<JobChange.Done>().Job;

        (answer.Status, answer.CancelRequested).ShouldBe((JobStatus.Running, true));
        (await job.Report(Report(1, null))).ShouldBe(ReportResult.CancelRequested);
        (await job.Report(Report(2, new AttemptEnd.Failed(FailReason.Cancelled, null)))).ShouldBe(ReportResult.Heard);
        (await job.Get())!.Reason.ShouldBe(FailReason.Cancelled);
        (await job.Cancel()).ShouldBeOfType<JobChange.Done>("a repeat is fine, and changes nothing");
    }

    [Fact]
    public async Task A_cancel_and_a_claim_at_once_have_one_winner()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        for (var round = 0; round < 100; round++)
        {
            var job = cluster.Job((await cluster.Submit()).Id);

            var cancel = job.Cancel();
            var claim = job.Claim(Claim);
            await Task.WhenAll(cancel, claim);

            var seen = (await job.Get())!;
            if (await claim is ClaimResult.Granted)
                (seen.Status, seen.CancelRequested, seen.Attempt).ShouldBe((JobStatus.Running, true, 1));
            else
                (seen.Status, seen.Reason, seen.Attempt).ShouldBe((JobStatus.Failed, (FailReason?)FailReason.Cancelled, 0));
        }
    }

    private static AttemptReport Report(int sequence, AttemptEnd? end) =>
        new() { Attempt = 1, Sequence = sequence, Tasks = [BuildTaskStatus.Running, BuildTaskStatus.Pending], End = end };
}
