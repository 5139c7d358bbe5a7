using Builds.Jobs;

namespace Builds.Logs;

/// <summary>What the tails of this silo are told from.</summary>
/// <param name="store">The one that this silo's own writers use: it wakes readers of the same process.</param>
public sealed class LogTails(ILogStore store) : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly CancellationTokenSource stopping = new();

    public ILogStore Store => store;

    /// <summary>Cancelled when the last build here has left, before the silo waits for calls to end: readers on other silos do not keep it.</summary>
    public CancellationToken Stopping => stopping.Token;

    public void Participate(ISiloLifecycle observer) =>
        observer.Subscribe(nameof(LogTails), ServiceLifecycleStage.Active, _ => Task.CompletedTask, _ => stopping.CancelAsync());

    public void Dispose() => stopping.Dispose();
}

public static class LogWaiting
{
    /// <summary>Like <see cref="ILogStore.WaitForMore"/>; null when the time is over or the wait is cancelled.</summary>
    public static async Task<LogState?> WaitUpTo(
        this ILogStore store, JobId job, int attempt, string? task, long knownLength, TimeSpan atMost, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(atMost, clock);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        try
        {
            return await store.WaitForMore(job, attempt, task, knownLength, end.Token);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            return null;
        }
    }
}
