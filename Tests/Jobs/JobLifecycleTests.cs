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
                Legal.Step(job, next, 3);
                // A repeat of the same signal changes nothing more, but for a claim under another dispatch.
                move.Apply(next).ShouldSatisfyAllConditions(again => Legal.Step(next, again, 3));
                job = next;
            }
        }, iter: Rounds.Of(800));
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
