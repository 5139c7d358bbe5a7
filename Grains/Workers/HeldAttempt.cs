using Builds.Jobs;

namespace Builds.Workers;

/// <summary>Why a worker ends an attempt before its time.</summary>
public enum StopCause
{
    None,
    /// <summary>The owner's wish: TERM, grace, KILL; reported.</summary>
    Cancelled,
    /// <summary>The job's time limit: TERM, grace, KILL; reported.</summary>
    Timeout,
    /// <summary>The worker leaves: KILL; reported, and the job is queued again, unless it was to end anyway.</summary>
    HandBack,
    /// <summary>
    /// The lease is over since the queue did not answer, through no fault of the worker's: KILL; reported as handed back. Until somebody
    /// else is given the job, the attempt is still this worker's to give.
    /// </summary>
    LeaseOver,
    /// <summary>The attempt is not ours any more, or the lease ended while this worker stood still: KILL; nothing to report.</summary>
    Lost,
}

/// <summary>A slot of a worker that is taken, from the queue's offer until the end is heard. Thread safe.</summary>
public sealed class HeldAttempt(JobId job, string dispatchId, int slot) : IDisposable
{
    private readonly Lock gate = new();
    private readonly CancellationTokenSource stop = new();
    private readonly CancellationTokenSource kill = new();
    private readonly CancellationTokenSource lost = new();
    private readonly TaskCompletionSource claim = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool disposed;

    public JobId Job => job;
    public string DispatchId => dispatchId;
    public int Slot => slot;

    /// <summary>0 until the claim is granted.</summary>
    public int Attempt { get; set; }

    /// <summary>When the worker took it.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>Completes when the claim is granted, or when it never will be.</summary>
    public Task ClaimAnswered => claim.Task;

    public StopCause Cause { get; private set; }

    /// <summary>Asks the build to end, with grace.</summary>
    public CancellationToken Stopping => stop.Token;

    /// <summary>Ends the build at once.</summary>
    public CancellationToken Killing => kill.Token;

    /// <summary>Nobody wants to hear of the attempt any more.</summary>
    public CancellationToken Lost => lost.Token;

    /// <summary>
    /// Ends the attempt. The first cause is the one that is told: who leaves does not make a job that is over its limit, or
    /// cancelled, run again. A later one that kills only cuts the grace short; losing the attempt replaces everything.
    /// </summary>
    public void End(StopCause cause)
    {
        lock (gate)
        {
            if (disposed || cause == StopCause.None)
                return;
            if (Cause == StopCause.None || cause == StopCause.Lost)
                Cause = cause;
            // Cancelled at once, while callbacks of the build run elsewhere and not under this lock.
            (cause >= StopCause.HandBack ? kill : stop).CancelAsync().Ignore();
            if (cause == StopCause.Lost)
                lost.CancelAsync().Ignore();
        }
    }

    internal void AnswerClaim() => claim.TrySetResult();

    /// <summary>Cuts the grace of a build short that was asked to end. What is told of it stays the same.</summary>
    public void Kill()
    {
        lock (gate)
        {
            if (!disposed)
                kill.CancelAsync().Ignore();
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            stop.Dispose();
            kill.Dispose();
            lost.Dispose();
        }
    }
}
