using System.Buffers;
using System.Runtime.ExceptionServices;

namespace Builds.Logs;

/// <summary>
/// Gathers output for one log so that a reader sees it soon and the store is not called for every line: the first byte after a
/// pause is flushed within <see cref="FirstByte"/>, then every <see cref="Chunk"/> bytes or <see cref="Interval"/>. At most one chunk
/// is held; while the store is slow the caller waits. For one caller at a time.
/// </summary>
public sealed class LogWriter : IAsyncDisposable
{
    public const int Chunk = 256 * 1024;
    public static readonly TimeSpan FirstByte = TimeSpan.FromMilliseconds(50);
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim turn = new(1);
    private readonly ILogAppender log;
    private readonly TimeProvider clock;
    private readonly ITimer timer;
    private readonly CancellationTokenSource leaving = new();
    private byte[]? gathered;
    private int count;
    private long? lastFlush;
    private Task timedFlush = Task.CompletedTask;
    private ExceptionDispatchInfo? failure;

    public LogWriter(ILogAppender log, TimeProvider clock)
    {
        this.log = log;
        this.clock = clock;
        timer = clock.CreateTimer(_ => timedFlush = FlushInTime(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// Takes the bytes; they may be reused when this answers. Throws what a flush threw, also one that the clock set off.
    /// </summary>
    public async ValueTask Write(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            failure?.Throw();
            while (!bytes.IsEmpty)
            {
                bytes = bytes[Gather(bytes.Span)..];
                if (count == Chunk)
                    await Append(cancellationToken);
            }
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Shows readers now what was gathered.</summary>
    public ValueTask Flush(CancellationToken cancellationToken) => Finish(seal: false, cancellationToken);

    /// <summary>Flushes and seals: every byte is on disk when this answers. A repeat does nothing.</summary>
    public ValueTask Seal(CancellationToken cancellationToken) => Finish(seal: true, cancellationToken);

    /// <summary>Drops what was not flushed: without <see cref="Seal"/> the attempt was given up.</summary>
    public async ValueTask DisposeAsync()
    {
        if (leaving.IsCancellationRequested)
            return;
        await timer.DisposeAsync();
        // It may wait for a store that cannot be reached.
        await leaving.CancelAsync();
        await timedFlush;
        Return();
        await log.DisposeAsync();
        turn.Dispose();
        leaving.Dispose();
    }

    private async ValueTask Finish(bool seal, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            failure?.Throw();
            await Append(cancellationToken);
            if (seal)
                await log.Seal(cancellationToken);
        }
        finally
        {
            turn.Release();
        }
    }

    private int Gather(ReadOnlySpan<byte> bytes)
    {
        if (count == 0)
            timer.Change(UntilDue(), Timeout.InfiniteTimeSpan);
        gathered ??= ArrayPool<byte>.Shared.Rent(Chunk);
        var taken = Math.Min(Chunk - count, bytes.Length);
        bytes[..taken].CopyTo(gathered.AsSpan(count));
        count += taken;
        return taken;
    }

    private TimeSpan UntilDue()
    {
        var left = lastFlush is { } last ? Interval - clock.GetElapsedTime(last) : TimeSpan.Zero;
        return left > TimeSpan.Zero ? left : FirstByte;
    }

    private async Task Append(CancellationToken cancellationToken)
    {
        if (count == 0)
            return;
        // When it fails the bytes stay, and nothing can be written out of order after them.
        await log.Append(gathered.AsMemory(0, count), cancellationToken);
        lastFlush = clock.GetTimestamp();
        Return();
    }

    private async Task FlushInTime()
    {
        await turn.WaitAsync();
        try
        {
            if (failure is null)
                await Append(leaving.Token);
        }
        catch (Exception error)
        {
            // The writer hears of it with its next call.
            failure = ExceptionDispatchInfo.Capture(error);
        }
        finally
        {
            turn.Release();
        }
    }

    // An idle log holds no buffer.
    private void Return()
    {
        if (gathered is not null)
            ArrayPool<byte>.Shared.Return(gathered);
        gathered = null;
        count = 0;
    }
}
