using System.Collections.Immutable;
using Builds.Jobs;
using CsCheck;

namespace Builds.Tests.Jobs;

public sealed class JobLifecycleTests
{
    private static readonly Dictionary<(JobStatus, JobSignal), JobStatus> Table = new()
    {
        [(JobStatus.Pending, JobSignal.Start)] = JobStatus.Queued,
        [(JobStatus.Pending, JobSignal.Cancel)] = JobStatus.Failed,
        [(JobStatus.Queued, JobSignal.Claim)] = JobStatus.Running,
        [(JobStatus.Queued, JobSignal.Cancel)] = JobStatus.Failed,
        [(JobStatus.Running, JobSignal.Succeed)] = JobStatus.Success,
        [(JobStatus.Running, JobSignal.Fail)] = JobStatus.Failed,
        [(JobStatus.Running, JobSignal.Cancel)] = JobStatus.Running,
        [(JobStatus.Running, JobSignal.Lose)] = JobStatus.Queued,
        [(JobStatus.Running, JobSignal.GiveUp)] = JobStatus.Failed,
        [(JobStatus.Running, JobSignal.HandBack)] = JobStatus.Queued,
    };

    [Fact]
    public void Every_pair_of_status_and_signal_does_what_the_table_says()
    {
        foreach (var status in Enum.GetValues<JobStatus>())
        {
            foreach (var signal in Enum.GetValues<JobSignal>())
            {
                JobStatus? expected = Table.TryGetValue((status, signal), out var next) ? next : null;
                JobLifecycle.Next(status, signal).ShouldBe(expected, $"{status} + {signal}");
            }
        }
    }

    [Fact]
    public void Any_order_loss_and_repetition_of_signals_keeps_the_invariants()
    {
        var step = Gen.Select(Gen.Int[0, 6], Gen.Int[1, 4], Gen.Int[1, 4], Gen.Int[0, 2], (kind, attempt, sequence, end) => new Step(kind, attempt, sequence, end));

        step.Array[0, 40].Sample(steps =>
        {
            var job = JobDecisions.Submit(new JobId(1), Some.Submission(), "host", ["a", "b"], Some.Time);
            foreach (var move in steps)
            {
                var next = move.Apply(job);
                AssertLegal(job, next);
                // A repeat of the same signal changes nothing more, but for a claim under another dispatch.
                move.Apply(next).ShouldSatisfyAllConditions(again => AssertLegal(next, again));
                job = next;
            }
        }, iter: 20_000);
    }

    private static void AssertLegal(JobState before, JobState after)
    {
        if (before.Status.IsFinal())
            after.ShouldBeSameAs(before, "a final job never changes");
        after.Attempt.ShouldBeInRange(before.Attempt, before.Attempt + 1);
        if (after.Attempt > before.Attempt)
            (before.Status, after.Status).ShouldBe((JobStatus.Queued, JobStatus.Running), "only a claim makes an attempt");
        if (before.CancelRequested)
            after.CancelRequested.ShouldBeTrue("a cancel is never forgotten");
        (after.Reason is not null).ShouldBe(after.Status == JobStatus.Failed);
        after.Lost.ShouldBeLessThanOrEqualTo(3);
        after.EndedAttempts.Select(ended => ended.Attempt).ShouldBe(after.EndedAttempts.Select(ended => ended.Attempt).Distinct());
        if (after.Status == JobStatus.Success)
            after.Tasks.ShouldAllBe(task => task.Status == BuildTaskStatus.Success || task.Status == BuildTaskStatus.Skipped);
        if (after.Status.IsFinal())
            after.Tasks.ShouldNotContain(task => task.Status == BuildTaskStatus.Running);
        if (before.Attempt == after.Attempt && before.Status == JobStatus.Running && after.Status == JobStatus.Running)
        {
            foreach (var (was, now) in before.Tasks.Zip(after.Tasks))
                TaskLifecycle.Merge(was.Status, now.Status).ShouldBe(now.Status, "a task never goes backwards");
        }
    }

    private sealed record Step(int Kind, int Attempt, int Sequence, int End)
    {
        public JobState Apply(JobState job) => Kind switch
        {
            0 => JobDecisions.Start(job, Some.Time),
            1 => JobDecisions.Cancel(job, Some.Time),
            2 => JobDecisions.Claim(job, new JobClaim("w", 1, $"d{Sequence}"), Some.Time).Job,
            3 => JobDecisions.WorkerLost(job, Attempt, "gone", 3, [], Some.Time),
            4 => Report(job, null),
            5 => Report(job, End switch { 0 => new AttemptEnd.Succeeded(), 1 => new AttemptEnd.Failed(FailReason.Task, null), _ => new AttemptEnd.HandedBack() }),
            _ => Report(job, new AttemptEnd.Failed(FailReason.Cancelled, null)),
        };

        private JobState Report(JobState job, AttemptEnd? end)
        {
            var tasks = Enumerable.Range(0, 2).Select(index => (BuildTaskStatus)((Sequence + index) % 5)).ToImmutableArray();
            return JobDecisions.Report(job, new AttemptReport { Attempt = Attempt, Sequence = Sequence, Tasks = tasks, End = end }, [], Some.Time).Job;
        }
    }
}
