namespace Builds.Workers;

/// <summary>What can happen to a worker.</summary>
public enum WorkerSignal
{
    /// <summary>It is asked to leave.</summary>
    Drain,
    /// <summary>The wish to leave is taken back.</summary>
    Resume,
    /// <summary>Its last attempt ended.</summary>
    Emptied,
    /// <summary>It was not heard of for longer than its lease.</summary>
    Silence,
    /// <summary>It is heard of again, and holds nothing from before.</summary>
    Return,
}

/// <summary>The life of a worker: one pure function.</summary>
public static class WorkerLifecycle
{
    /// <summary>The status after <paramref name="signal"/>, or null where it means nothing.</summary>
    public static WorkerStatus? Next(WorkerStatus from, WorkerSignal signal) => from switch
    {
        WorkerStatus.Ready => signal switch
        {
            WorkerSignal.Drain => WorkerStatus.Draining,
            WorkerSignal.Silence => WorkerStatus.Lost,
            WorkerSignal.Resume or WorkerSignal.Emptied or WorkerSignal.Return => null,
        },
        WorkerStatus.Draining => signal switch
        {
            WorkerSignal.Emptied => WorkerStatus.Drained,
            WorkerSignal.Resume => WorkerStatus.Ready,
            WorkerSignal.Silence => WorkerStatus.Lost,
            WorkerSignal.Drain or WorkerSignal.Return => null,
        },
        WorkerStatus.Drained => signal switch
        {
            WorkerSignal.Resume => WorkerStatus.Ready,
            WorkerSignal.Silence => WorkerStatus.Lost,
            WorkerSignal.Drain or WorkerSignal.Emptied or WorkerSignal.Return => null,
        },
        WorkerStatus.Lost => signal switch
        {
            WorkerSignal.Return => WorkerStatus.Ready,
            WorkerSignal.Drain or WorkerSignal.Resume or WorkerSignal.Emptied or WorkerSignal.Silence => null,
        },
    };

    /// <summary>True where a worker may be given a job.</summary>
    public static bool TakesJobs(this WorkerStatus status) => status == WorkerStatus.Ready;
}
