namespace Builds.Stores;

/// <summary>
/// What a store that many silos share does when it cannot be reached: whoever writes waits and tries again, which holds the build back,
/// until it works or nobody wants it any more. A store of one silo fails at once, for there the cause is the machine's own disk.
/// </summary>
internal sealed partial class StorePatience(bool waits, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    private int waiting;

    /// <summary>Of a store that fails at once.</summary>
    public static StorePatience None { get; } = new(waits: false, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);

    /// <summary>Does what may be done twice, until it is done.</summary>
    public async ValueTask Until(Func<ValueTask> act, CancellationToken cancellationToken)
    {
        var isWaiting = false;
        try
        {
            for (var pause = First; ; pause = pause * 2 < Longest ? pause * 2 : Longest)
            {
                try
                {
                    await act();
                    return;
                }
                catch (Exception error) when (waits && IsMachine(error))
                {
                    if (!isWaiting && Interlocked.Increment(ref waiting) == 1)
                        LogWaits(error.Message);
                    isWaiting = true;
                }

                await Task.Delay(pause, clock, cancellationToken);
            }
        }
        finally
        {
            if (isWaiting && Interlocked.Decrement(ref waiting) == 0)
                LogGoesOn();
        }
    }

    private static bool IsMachine(Exception error) => error is (IOException and not LostBytesException) or UnauthorizedAccessException;

    [LoggerMessage(EventId = 1501, Level = LogLevel.Warning, Message = "The store cannot be written, builds wait for it: {Mistake}")]
    private partial void LogWaits(string mistake);

    [LoggerMessage(EventId = 1502, Level = LogLevel.Information, Message = "No build waits for the store any more")]
    private partial void LogGoesOn();
}

/// <summary>What was taken is not on disk and cannot be brought there again: trying once more would only hide it.</summary>
internal sealed class LostBytesException(string message, Exception? inner = null) : IOException(message, inner);
