using Builds.Jobs;

namespace Builds.Queue;

/// <summary>What the queue wants done outside of its own turn; the outcome comes back as a call to <see cref="QueueBook"/>.</summary>
public abstract record QueueEffect
{
    private QueueEffect() { }

    /// <summary>Offer the job to the worker; answer with <see cref="QueueBook.Answered"/>.</summary>
    public sealed record Dispatch(string Worker, long Incarnation, JobId Job, string DispatchId) : QueueEffect;

    /// <summary>Ask the worker whether it holds this attempt; answer with <see cref="QueueBook.Asked"/>.</summary>
    public sealed record Ask(string Worker, long Incarnation, JobId Job, int Attempt) : QueueEffect;

    /// <summary>Tell the job that the worker of this attempt is gone; answer with <see cref="QueueBook.GaveUp"/>.</summary>
    public sealed record GiveUp(JobId Job, int Attempt, string Why) : QueueEffect;

    /// <summary>Read the job's record; answer with <see cref="QueueBook.Checked"/>.</summary>
    public sealed record Check(JobId Job) : QueueEffect;
}
