using System.Collections.Immutable;
using Builds.Jobs;
using CsCheck;

namespace Builds.Tests.Jobs;

public sealed class ReportOrderTests
{
    private const int Tasks = 3;

    [Fact]
    public void In_any_order_with_any_loss_and_repetition_the_job_stands_as_the_newest_report_said_that_was_heard()
    {
        // What happens in a build, one event per report: which task moves, and how it ends.
        var events = Gen.Select(Gen.Int[0, Tasks - 1], Gen.Int[0, 2]).Array[1, 12];
        var arrivals = Gen.Int[1, 12].Array[0, 30];

        Gen.Select(events, arrivals, Gen.Bool).Sample((story, order, ends) =>
        {
            var reports = Reports(story, ends);
            var job = Running();
            var newest = 0;
            foreach (var number in order.Where(number => number <= reports.Count))
            {
                var report = reports[number - 1];
                var (next, result) = JobDecisions.Report(job, report, [], Some.Time);

                if (job.Status.IsFinal())
                    result.ShouldBe(report.End is null ? ReportResult.Stale : ReportResult.Heard, "only a repeat of the end is good news after the end");
                else
                    result.ShouldBe(ReportResult.Heard);
                if (number <= newest)
                    next.ShouldBeSameAs(job, $"report {number} after report {newest}");
                newest = Math.Max(newest, number);
                job = next;

                job.ReportSequence.ShouldBe(newest);
                job.Status.ShouldBe(newest == reports.Count && ends ? JobStatus.Failed : JobStatus.Running);
                job.Tasks.Select(task => task.Status).ShouldBe(reports[newest - 1].Tasks);
            }
        }, iter: Rounds.Of(2_000));
    }

    /// <summary>The reports that a worker sends of this, numbered from 1; the last one may say that it failed.</summary>
    private static List<AttemptReport> Reports((int Task, int How)[] story, bool ends)
    {
        var statuses = Enumerable.Repeat(BuildTaskStatus.Pending, Tasks).ToImmutableArray();
        var reports = new List<AttemptReport>();
        foreach (var (task, how) in story)
        {
            var signal = statuses[task] == BuildTaskStatus.Pending
                ? how == 0 ? TaskSignal.Skip : TaskSignal.Start
                : how == 0 ? TaskSignal.Fail : TaskSignal.Succeed;
            statuses = statuses.SetItem(task, TaskLifecycle.Next(statuses[task], signal) ?? statuses[task]);
            reports.Add(new AttemptReport { Attempt = 1, Sequence = reports.Count + 1, Tasks = statuses });
        }

        if (ends)
        {
            // An attempt does not end with a task under way.
            statuses = [.. statuses.Select(status => status == BuildTaskStatus.Running ? BuildTaskStatus.Failed : status)];
            reports[^1] = reports[^1] with { Tasks = statuses, End = new AttemptEnd.Failed(FailReason.Task, null) };
        }

        return reports;
    }

    private static JobState Running() =>
        JobDecisions.Claim(JobDecisions.Submit(new JobId(1), Some.Submission(), "host", ["a", "b", "c"], Some.Time), new JobClaim("w", 1, "d"), Some.Time).Job;
}
