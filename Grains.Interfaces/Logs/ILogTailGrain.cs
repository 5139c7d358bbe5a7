using Builds.Jobs;

namespace Builds.Logs;

/// <summary>
/// Tells readers on other silos when a log that is written on this one has grown; they read the bytes from the store that all share. Keyed by the
/// stable name of the silo. It owns nothing: a lost answer costs time and never a byte.
/// </summary>
[Alias("ILogTailGrain")]
public interface ILogTailGrain : IGrainWithStringKey
{
    /// <summary>How long one call may wait.</summary>
    static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How the log stands as soon as it is longer than <paramref name="knownLength"/> or ended; null when that did not happen within
    /// <paramref name="atMost"/> (at most <see cref="LongestWait"/>) or the silo stops: look at the store and ask again. May be repeated. Any number of calls wait
    /// at the same time. For the stores of other silos.
    /// </summary>
    [Alias("WaitForMore"), Orleans.Concurrency.AlwaysInterleave, ResponseTimeout("00:00:05")]
    Task<LogTail?> WaitForMore(JobId job, int attempt, string? task, long knownLength, TimeSpan atMost, CancellationToken cancellationToken = default);
}

/// <param name="Length">Visible bytes.</param>
/// <param name="Sealed">True: it will never grow.</param>
[GenerateSerializer, Immutable, Alias("LogTail")]
public sealed record LogTail([property: Id(0)] long Length, [property: Id(1)] bool Sealed);
