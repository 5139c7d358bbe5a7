using System.Collections.Immutable;
using Builds.Jobs;

namespace Builds.Logs;

/// <summary>How long one log of an attempt is.</summary>
/// <param name="Task">The task's name, or null for the setup log.</param>
[GenerateSerializer, Immutable, Alias("LogLength")]
public sealed record LogLength([property: Id(0)] string? Task, [property: Id(1)] long Length);

/// <summary>
/// The logs of attempts: per attempt one setup log (task null) and one per task. A byte that a reader was shown stays,
/// at its offset, for ever. Callable from anywhere; one writer per log.
/// </summary>
public interface ILogStore
{
    /// <summary>
    /// Begins a log. A second call for the same log, or one for an attempt that was closed, throws
    /// <see cref="AttemptClosedException"/>.
    /// </summary>
    Task<ILogAppender> Create(JobId job, int attempt, string? task, CancellationToken cancellationToken);

    /// <summary>
    /// Ends an attempt for good: later appends throw <see cref="AttemptClosedException"/>, and the lengths in the answer
    /// (one per log that exists, setup first) stay what they are. A repeat gives the same answer. An attempt without logs: empty.
    /// </summary>
    Task<ImmutableArray<LogLength>> Close(JobId job, int attempt, CancellationToken cancellationToken);

    /// <summary>Where a log stands: null if there is none.</summary>
    Task<LogState?> Find(JobId job, int attempt, string? task, CancellationToken cancellationToken);

    /// <summary>Reads what is visible at <paramref name="offset"/>; 0 bytes at the visible end.</summary>
    ValueTask<int> Read(JobId job, int attempt, string? task, long offset, Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes the logs of all attempts of a job whose record says that they are gone. No log: no effect. Throws
    /// <see cref="IOException"/> if something is left, to be called again.
    /// </summary>
    Task Delete(JobId job, CancellationToken cancellationToken);

    /// <summary>Completes when the log exists and is longer than <paramref name="knownLength"/> or sealed.</summary>
    Task<LogState> WaitForMore(JobId job, int attempt, string? task, long knownLength, CancellationToken cancellationToken);
}

/// <param name="Length">Visible bytes.</param>
/// <param name="Sealed">True: it will never grow.</param>
public readonly record struct LogState(long Length, bool Sealed);

/// <summary>The writing end of one log; for one caller at a time.</summary>
public interface ILogAppender : IAsyncDisposable
{
    /// <summary>
    /// Appends in order and shows the bytes to readers before it answers. While a store that many silos share cannot be reached, it waits. When it throws, or is cancelled, the bytes may be
    /// visible all the same: the next call begins with the same bytes, and they are shown once.
    /// </summary>
    ValueTask Append(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>
    /// Nothing follows: the bytes are on disk when this answers. The setup log is sealed last, and then the attempt's logs are also
    /// found again after a loss of power. A repeat does nothing.
    /// </summary>
    ValueTask Seal(CancellationToken cancellationToken);
}

/// <summary>The attempt was given up: nothing of it may be written any more.</summary>
public sealed class AttemptClosedException(string message) : Exception(message);
