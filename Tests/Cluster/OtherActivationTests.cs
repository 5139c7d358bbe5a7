using System.Collections.Immutable;
using Builds.Jobs;

namespace Builds.Tests.Cluster;

/// <summary>
/// Two activations of a job may exist for a moment while silos come and go. One of them stored something last, and the other one, with
/// what it read before, is asked.
/// </summary>
public sealed class OtherActivationTests
{
    private static readonly JobClaim Claim = new("w", 1, "d");

    private static readonly ImmutableArray<BuildTaskStatus> AllWell = [BuildTaskStatus.Success, BuildTaskStatus.Success];

    [Fact]
    public async Task A_job_that_the_other_one_queued_can_be_claimed()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var job = (await cluster.Submit(execute: false)).Id;
        await Store(cluster, job, state => JobDecisions.Start(state, cluster.Clock.GetUtcNow()));

        (await cluster.Job(job).Claim(Claim)).ShouldBeOfType<ClaimResult.Granted>().Job.Attempt.ShouldBe(1);
    }

    [Fact]
    public async Task The_worker_of_an_attempt_that_the_other_one_granted_is_heard()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var job = (await cluster.Submit()).Id;
        await Store(cluster, job, state => JobDecisions.Claim(state, Claim, cluster.Clock.GetUtcNow()).Job);

        (await cluster.Job(job).Report(new AttemptReport { Attempt = 1, Sequence = 1, Tasks = AllWell, End = new AttemptEnd.Succeeded() })).ShouldBe(ReportResult.Heard);
        (await cluster.Job(job).Get())!.Status.ShouldBe(JobStatus.Success);
    }

    [Fact]
    public async Task An_attempt_that_the_other_one_granted_can_be_given_up()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var job = (await cluster.Submit()).Id;
        await Store(cluster, job, state => JobDecisions.Claim(state, Claim, cluster.Clock.GetUtcNow()).Job);

        (await cluster.Job(job).WorkerLost(1, "the test says so"))!.EndedAttempts.ShouldHaveSingleItem().Attempt.ShouldBe(1);
    }

    [Fact]
    public async Task A_reader_who_has_seen_more_than_the_activation_makes_it_look_again()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var job = (await cluster.Submit(execute: false)).Id;
        await Store(cluster, job, state => JobDecisions.Start(state, cluster.Clock.GetUtcNow()));
        var known = (await cluster.Storage.Find(job, default))!;

        (await cluster.Job(job).WaitForChange(known.Revision, IJobGrain.LongestWait))!.Revision.ShouldBe(known.Revision - 1, "which no reader takes for news");
        (await cluster.Job(job).WaitForChange(known.Revision, TimeSpan.Zero))!.Status.ShouldBe(JobStatus.Queued);
    }

    [Fact]
    public async Task What_nobody_stored_stays_refused()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var job = (await cluster.Submit(execute: false)).Id;

        (await cluster.Job(job).Claim(Claim)).ShouldBe(new ClaimResult.Refused(JobStatus.Pending));
        (await cluster.Job(job).Report(new AttemptReport { Attempt = 1, Sequence = 1, Tasks = AllWell, End = null })).ShouldBe(ReportResult.Stale);
        (await cluster.Job(job).WorkerLost(1, "the test says so"))!.EndedAttempts.ShouldBeEmpty();
        (await cluster.Job(new JobId(999)).Claim(Claim)).ShouldBe(new ClaimResult.Refused(null));
    }

    [Fact]
    public async Task Who_is_refused_takes_nothing_from_what_is_about_to_be_stored()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var job = (await cluster.Submit()).Id;
        (await cluster.Job(job).Claim(Claim)).ShouldBeOfType<ClaimResult.Granted>();
        (await cluster.Job(job).Report(new AttemptReport { Attempt = 1, Sequence = 1, Tasks = [BuildTaskStatus.Success, BuildTaskStatus.Running], End = null })).ShouldBe(ReportResult.Heard);

        (await cluster.Job(job).Report(new AttemptReport { Attempt = 7, Sequence = 1, Tasks = AllWell, End = null })).ShouldBe(ReportResult.Stale);

        await cluster.AdvanceUntil(async () => (await cluster.Job(job).Get())!.Tasks[0].Status == BuildTaskStatus.Success, "the progress that was reported");
    }

    private static async Task Store(BuildsTestCluster cluster, JobId job, Func<JobState, JobState> change)
    {
        var record = new GrainState<JobState>();
        await cluster.Storage.ReadStateAsync("job", cluster.Job(job).GetGrainId(), record);
        record.State = change(record.State!) with { Revision = record.State!.Revision + 1 };
        await cluster.Storage.WriteStateAsync("job", cluster.Job(job).GetGrainId(), record);
    }
}
