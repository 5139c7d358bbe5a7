using Builds.Jobs;
using CsCheck;

namespace Builds.Tests.Jobs;

public sealed class TaskLifecycleTests
{
    [Fact]
    public void Every_pair_of_status_and_signal_does_what_the_table_says()
    {
        var table = new Dictionary<(BuildTaskStatus, TaskSignal), BuildTaskStatus>
        {
            [(BuildTaskStatus.Pending, TaskSignal.Start)] = BuildTaskStatus.Running,
            [(BuildTaskStatus.Pending, TaskSignal.Skip)] = BuildTaskStatus.Skipped,
            [(BuildTaskStatus.Running, TaskSignal.Succeed)] = BuildTaskStatus.Success,
            [(BuildTaskStatus.Running, TaskSignal.Fail)] = BuildTaskStatus.Failed,
        };

        foreach (var status in Enum.GetValues<BuildTaskStatus>())
        {
            foreach (var signal in Enum.GetValues<TaskSignal>())
            {
                BuildTaskStatus? expected = table.TryGetValue((status, signal), out var next) ? next : null;
                TaskLifecycle.Next(status, signal).ShouldBe(expected, $"{status} + {signal}");
            }
        }
    }

    [Fact]
    public void A_snapshot_may_jump_forward_and_never_back()
    {
        TaskLifecycle.Merge(BuildTaskStatus.Pending, BuildTaskStatus.Success).ShouldBe(BuildTaskStatus.Success);
        TaskLifecycle.Merge(BuildTaskStatus.Running, BuildTaskStatus.Pending).ShouldBe(BuildTaskStatus.Running);
        TaskLifecycle.Merge(BuildTaskStatus.Success, BuildTaskStatus.Failed).ShouldBe(BuildTaskStatus.Success);
        TaskLifecycle.Merge(BuildTaskStatus.Running, BuildTaskStatus.Skipped).ShouldBe(BuildTaskStatus.Running);
    }

    [Fact]
    public void Whatever_is_reported_in_whatever_order_a_task_only_goes_forward_and_what_has_ended_stays() =>
        Gen.Enum<BuildTaskStatus>().Array[0, 30].Sample(reports =>
        {
            var known = BuildTaskStatus.Pending;
            foreach (var reported in reports)
            {
                var next = TaskLifecycle.Merge(known, reported);

                next.ShouldBeOneOf(known, reported);
                Rank(next).ShouldBeGreaterThanOrEqualTo(Rank(known));
                if (Rank(known) == 2)
                    next.ShouldBe(known);
                if (known == BuildTaskStatus.Running)
                    next.ShouldNotBe(BuildTaskStatus.Skipped, "what ran was not skipped");
                if (Rank(reported) > Rank(known) && !(known == BuildTaskStatus.Running && reported == BuildTaskStatus.Skipped))
                    next.ShouldBe(reported, "what can be reached is believed");
                TaskLifecycle.Merge(next, reported).ShouldBe(next, "a repeat changes nothing");
                known = next;
            }
        }, iter: Rounds.Of(2_000));

    private static int Rank(BuildTaskStatus status) => status switch
    {
        BuildTaskStatus.Pending => 0,
        BuildTaskStatus.Running => 1,
        _ => 2,
    };
}
