using System.Collections.Immutable;
using Builds.Jobs;

namespace Builds.Tests.Cluster;

/// <summary>Storage fails at each durable step of a job: either nothing was written, or all was and the answer is lost. A repeat puts it right.</summary>
public sealed class UnknownOutcomeTests
{
    private static readonly JobClaim Claim = new("w", 1, "d");

    public static TheoryData<string, bool> Steps()
    {
        var rows = new TheoryData<string, bool>();
        foreach (var step in new[] { "submit", "start", "cancel", "claim", "success", "failure", "hand back", "worker lost" })
        {
            rows.Add(step, false);
            rows.Add(step, true);
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Steps))]
    public async Task A_write_that_fails_or_whose_answer_is_lost_leaves_the_job_as_stored_and_a_repeat_puts_it_right(string step, bool written)
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var job = cluster.Job((await cluster.Grains.GetGrain<IJobIdGrain>(0).Next()));
        await Prepare(job, step);
        var before = await job.Get();
        if (written)
            cluster.Storage.LoseNextAnswer();
        else
            cluster.Storage.FailNextWrite();

        await Should.ThrowAsync<Exception>(() => Act(job, step));

        var seen = await job.Get();
        (seen?.Revision ?? 0).ShouldBe((before?.Revision ?? 0) + (written ? 1 : 0), "what is shown is what is stored");
        await Act(job, step);
        var after = (await job.Get())!;
        after.Revision.ShouldBe((before?.Revision ?? 0) + 1, "a repeat of what is stored already changes nothing");
        (after.Status, after.Reason, after.Attempt).ShouldBe(Wanted(step));
        after.EndedAttempts.Length.ShouldBe(step is "hand back" or "worker lost" ? 1 : 0);
    }

    private static async Task Prepare(IJobGrain job, string step)
    {
        if (step == "submit")
            return;
        await job.Submit(Some.Submission() with { Execute = step != "start" });
        if (step is "success" or "failure" or "hand back" or "worker lost")
            (await job.Claim(Claim)).ShouldBeOfType<ClaimResult.Granted>();
    }

    private static Task Act(IJobGrain job, string step) => step switch
    {
        "submit" => job.Submit(Some.Submission()),
        "start" => job.Start(),
        "cancel" => job.Cancel(),
        "claim" => job.Claim(Claim),
        "success" => Report(job, new AttemptEnd.Succeeded()),
        "failure" => Report(job, new AttemptEnd.Failed(FailReason.Task, null)),
        "hand back" => Report(job, new AttemptEnd.HandedBack()),
        "worker lost" => job.WorkerLost(1, "the test says so"),
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "no such step"),
    };

    private static async Task Report(IJobGrain job, AttemptEnd end)
    {
        ImmutableArray<BuildTaskStatus> tasks = [BuildTaskStatus.Success, end is AttemptEnd.Succeeded ? BuildTaskStatus.Success : BuildTaskStatus.Failed];
        (await job.Report(new AttemptReport { Attempt = 1, Sequence = 1, Tasks = tasks, End = end })).ShouldBe(ReportResult.Heard);
    }

    private static (JobStatus, FailReason?, int) Wanted(string step) => step switch
    {
        "submit" or "start" => (JobStatus.Queued, null, 0),
        "cancel" => (JobStatus.Failed, FailReason.Cancelled, 0),
        "claim" => (JobStatus.Running, null, 1),
        "success" => (JobStatus.Success, null, 1),
        "failure" => (JobStatus.Failed, FailReason.Task, 1),
        "hand back" or "worker lost" => (JobStatus.Queued, null, 1),
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "no such step"),
    };
}
