using Builds.Jobs;

namespace Builds.Stores;

/// <summary>
/// Wakes readers that wait for more of an attempt's logs. A fixed number of bells, each shared by many attempts: a reader is at
/// times woken for nothing and looks again, and nothing has to be kept per log or cleared away.
/// </summary>
internal sealed class LogSignals
{
    private const int Bells = 256;

    private readonly Lock gate = new();
    private readonly TaskCompletionSource?[] bells = new TaskCompletionSource?[Bells];

    /// <summary>Take it before looking: completes with the next change after this call.</summary>
    public Task Next(JobId job, int attempt)
    {
        lock (gate)
            return (bells[Index(job, attempt)] ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }

    public void Ring(JobId job, int attempt)
    {
        TaskCompletionSource? bell;
        lock (gate)
        {
            bell = bells[Index(job, attempt)];
            bells[Index(job, attempt)] = null;
        }

        bell?.SetResult();
    }

    private static int Index(JobId job, int attempt) => (int)((uint)HashCode.Combine(job, attempt) % Bells);
}
