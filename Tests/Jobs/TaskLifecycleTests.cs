using Builds.Jobs;

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
}
