namespace Builds.Jobs;

/// <summary>What can happen to a job.</summary>
public enum JobSignal
{
    /// <summary>Its owner starts a job that was submitted without executing it.</summary>
    Start,
    /// <summary>Its owner cancels it.</summary>
    Cancel,
    /// <summary>A worker takes it.</summary>
    Claim,
    /// <summary>The current attempt ended well.</summary>
    Succeed,
    /// <summary>The current attempt ended badly.</summary>
    Fail,
    /// <summary>The worker of the current attempt is gone, and another attempt is allowed.</summary>
    Lose,
    /// <summary>The worker of the current attempt is gone, and no other attempt is allowed or wanted.</summary>
    GiveUp,
    /// <summary>The worker of the current attempt leaves in good order.</summary>
    HandBack,
}

/// <summary>
/// The life of a job: one pure function. The table and the diagram in README.md and the test that walks all pairs are views of it.
/// </summary>
public static class JobLifecycle
{
    /// <summary>
    /// The status after <paramref name="signal"/>, or null where it means nothing. Whether a signal is for the current attempt
    /// is asked before (<see cref="JobDecisions"/>).
    /// </summary>
    public static JobStatus? Next(JobStatus from, JobSignal signal) => from switch
    {
        JobStatus.Pending => signal switch
        {
            JobSignal.Start => JobStatus.Queued,
            JobSignal.Cancel => JobStatus.Failed,
            JobSignal.Claim or JobSignal.Succeed or JobSignal.Fail or JobSignal.Lose or JobSignal.GiveUp or JobSignal.HandBack => null,
        },
        JobStatus.Queued => signal switch
        {
            JobSignal.Claim => JobStatus.Running,
            JobSignal.Cancel => JobStatus.Failed,
            JobSignal.Start or JobSignal.Succeed or JobSignal.Fail or JobSignal.Lose or JobSignal.GiveUp or JobSignal.HandBack => null,
        },
        JobStatus.Running => signal switch
        {
            JobSignal.Succeed => JobStatus.Success,
            JobSignal.Fail or JobSignal.GiveUp => JobStatus.Failed,
            JobSignal.Lose or JobSignal.HandBack => JobStatus.Queued,
            // Only marked: it is over when its worker says so, or when the worker's lease has ended.
            JobSignal.Cancel => JobStatus.Running,
            JobSignal.Start or JobSignal.Claim => null,
        },
        // Absorbing: a final status never changes.
        JobStatus.Success or JobStatus.Failed => signal switch
        {
            JobSignal.Start or JobSignal.Cancel or JobSignal.Claim or JobSignal.Succeed or JobSignal.Fail or JobSignal.Lose
                or JobSignal.GiveUp or JobSignal.HandBack => null,
        },
    };
}
