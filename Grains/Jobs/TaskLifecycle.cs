namespace Builds.Jobs;

/// <summary>What can happen to a task within one attempt.</summary>
public enum TaskSignal
{
    Start,
    Succeed,
    /// <summary>Its script ended with another status than 0, or the attempt ended under it.</summary>
    Fail,
    /// <summary>An earlier task called <c>complete-build</c>.</summary>
    Skip,
}

/// <summary>The life of a task within one attempt. A new attempt begins with every task pending again.</summary>
public static class TaskLifecycle
{
    public static BuildTaskStatus? Next(BuildTaskStatus from, TaskSignal signal) => from switch
    {
        BuildTaskStatus.Pending => signal switch
        {
            TaskSignal.Start => BuildTaskStatus.Running,
            TaskSignal.Skip => BuildTaskStatus.Skipped,
            TaskSignal.Succeed or TaskSignal.Fail => null,
        },
        BuildTaskStatus.Running => signal switch
        {
            TaskSignal.Succeed => BuildTaskStatus.Success,
            TaskSignal.Fail => BuildTaskStatus.Failed,
            TaskSignal.Start or TaskSignal.Skip => null,
        },
        BuildTaskStatus.Success or BuildTaskStatus.Failed or BuildTaskStatus.Skipped => signal switch
        {
            TaskSignal.Start or TaskSignal.Succeed or TaskSignal.Fail or TaskSignal.Skip => null,
        },
    };

    /// <summary>
    /// What a snapshot makes of a task: the reported status if it can be reached from the known one, else the known one, so that
    /// a task never goes backwards.
    /// </summary>
    public static BuildTaskStatus Merge(BuildTaskStatus known, BuildTaskStatus reported) => CanReach(known, reported) ? reported : known;

    private static bool CanReach(BuildTaskStatus from, BuildTaskStatus to) =>
        from == to || Enum.GetValues<TaskSignal>().Any(signal => Next(from, signal) is { } next && CanReach(next, to));
}
