using Builds.Execution;
using Builds.Jobs;

namespace Builds.Tests.Cluster;

/// <summary>The timeline of a job, from grain to record and back.</summary>
public sealed class TimelineTests
{
    private static readonly JobEventKind[] OneRun = [JobEventKind.Submitted, JobEventKind.Queued, JobEventKind.Claimed, JobEventKind.Finished];

    [Fact]
    public async Task It_is_stored_with_each_decision_and_survives_the_grain()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit();
        var done = await cluster.WaitFor(job.Id, JobStatus.Success);

        await cluster.Deactivate(cluster.Job(job.Id));

        var again = (await cluster.Job(job.Id).Get())!;
        again.Timeline.ShouldBe(done.Timeline);
        again.Timeline.Select(entry => entry.Event).ShouldBe(OneRun);
        (await cluster.Storage.Find(job.Id, default))!.Timeline.ShouldBe(done.Timeline);
    }

    [Fact]
    public async Task A_running_job_of_an_earlier_version_goes_on_where_its_record_leaves_off()
    {
        await using var cluster = await BuildsTestCluster.Start();
        var job = await cluster.Submit("image: held\ntasks:\n- a: 'true'\n");
        var build = await cluster.Executor.Build(job.Id);
        await cluster.Deactivate(cluster.Job(job.Id));
        await cluster.Storage.ForgetTimeline(cluster.Job(job.Id).GetGrainId());

        build.End(new BuildOutcome.Failed(FailReason.Setup, "no such image"));

        var done = await cluster.WaitFor(job.Id, JobStatus.Failed);
        done.Timeline.Select(entry => entry.Event).ShouldBe(OneRun);
        done.Timeline[^1].Detail.ShouldBe("failed (setup): no such image");
        (await cluster.Storage.Find(job.Id, default))!.Timeline.ShouldBe(done.Timeline);
    }
}
