using Builds.Jobs;

namespace Builds.Tests;

/// <summary>What may happen to the record of a job, whatever signals come in whatever order.</summary>
internal static class Legal
{
    public static void Step(JobState before, JobState after, int maxAttempts)
    {
        if (before.Status.IsFinal())
            after.ShouldBeSameAs(before, "a final job never changes");
        after.Attempt.ShouldBeInRange(before.Attempt, before.Attempt + 1, "an attempt is never taken back");
        if (after.Attempt > before.Attempt)
            (before.Status, after.Status).ShouldBe((JobStatus.Queued, JobStatus.Running), "only a claim makes an attempt");
        else if (before.Status != JobStatus.Running)
            after.Status.ShouldNotBe(JobStatus.Running, "nothing but a claim makes a job run");
        if (before.CancelRequested)
            after.CancelRequested.ShouldBeTrue("a cancel is never forgotten");
        (after.Reason is not null).ShouldBe(after.Status == JobStatus.Failed, "a failed job has a reason, and no other");

        after.Lost.ShouldBeLessThanOrEqualTo(maxAttempts);
        if (after.Lost == maxAttempts)
            after.Status.ShouldBe(JobStatus.Failed, "no further attempt after the last allowed loss");
        var ended = after.EndedAttempts.Select(attempt => attempt.Attempt).ToList();
        ended.ShouldBe(ended.Distinct(), "an attempt ends once");
        ended.ShouldBeInOrder();
        after.Lost.ShouldBeLessThanOrEqualTo(ended.Count, "handing back is not a loss");

        if (after.Status == JobStatus.Success)
            after.Tasks.ShouldAllBe(task => task.Status == BuildTaskStatus.Success || task.Status == BuildTaskStatus.Skipped);
        if (after.Status != JobStatus.Running)
            after.Tasks.ShouldNotContain(task => task.Status == BuildTaskStatus.Running, "no task runs in a job that does not");
        Timeline(before, after);
        if (before.Attempt == after.Attempt && after.Status != JobStatus.Queued)
        {
            foreach (var (was, now) in before.Tasks.Zip(after.Tasks))
                TaskLifecycle.Merge(was.Status, now.Status).ShouldBe(now.Status, "a task never goes backwards within an attempt");
        }
    }

    /// <summary>Whatever is decided leaves an entry, nothing else does, and none is taken back.</summary>
    private static void Timeline(JobState before, JobState after)
    {
        after.Timeline.Length.ShouldBeLessThanOrEqualTo(JobTimeline.Most);
        if ((before.Status, before.Attempt, before.CancelRequested) == (after.Status, after.Attempt, after.CancelRequested))
        {
            after.Timeline.ShouldBe(before.Timeline, "nothing was decided");
            return;
        }

        if (after.Timeline.Length < JobTimeline.Most)
            after.Timeline.Take(before.Timeline.Length).ShouldBe(before.Timeline, "an entry is never changed");
        var last = after.Timeline[^1];
        last.Attempt.ShouldBe(after.Attempt);
        last.Event.ShouldBeOneOf(after.Status switch
        {
            JobStatus.Pending => [JobEventKind.Submitted],
            JobStatus.Queued => [JobEventKind.Queued, JobEventKind.Requeued],
            JobStatus.Running => [after.CancelRequested ? JobEventKind.CancelRequested : JobEventKind.Claimed],
            JobStatus.Success or JobStatus.Failed => [JobEventKind.Finished],
        });
    }
}
