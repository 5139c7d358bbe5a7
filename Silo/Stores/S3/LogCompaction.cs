using System.Threading.Channels;

namespace Builds.Stores.S3;

/// <summary>
/// Puts the segments of a log that has ended into one object, so that it is read with few requests and costs little to keep. Nothing depends on it: where it was cut off, or
/// never came to it, the segments are there and count. One log at a time, in the background.
/// </summary>
internal sealed partial class LogCompaction(IBucket bucket, ILogger<LogCompaction> logger) : BackgroundService
{
    /// <summary>Up to so many segments a log stays as it is.</summary>
    public const int Few = 8;

    private const int MostWaiting = 10_000;

    private readonly Channel<LogKey> waiting = Channel.CreateBounded<LogKey>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Takes note of a log that has ended.</summary>
    public void Offer(LogKey key, int segments)
    {
        if (segments > Few)
            waiting.Writer.TryWrite(key);
    }

    /// <summary>Does it for one log; any number of times, on any number of silos. Throws <see cref="IOException"/> where it is cut off.</summary>
    public async Task Compact(LogKey key, CancellationToken cancellationToken)
    {
        using var reads = new LogReads(bucket);
        var index = await reads.Look(key, cancellationToken);
        if (!index.IsSealed)
            return;
        if (!index.IsWhole)
        {
            if (index.Segments.Count <= Few)
                return;
            await Copy(key, index, reads, cancellationToken);
        }

        KillPoint.Reached("log.put-together");
        await Clear(key, cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var key in waiting.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await Compact(key, stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                LogLeft(key.ToString(), error.Message);
            }
        }
    }

    private async Task Copy(LogKey key, LogIndex index, LogReads reads, CancellationToken cancellationToken)
    {
        await using var upload = new ObjectUpload(bucket, LogObjects.Log(key) + LogObjects.Whole, StorePatience.None);
        var buffer = new byte[ObjectUpload.PartSize / 8];
        for (long offset = 0; offset < index.Length;)
        {
            var count = await reads.Read(key, offset, buffer, cancellationToken);
            if (count == 0)
                throw new IOException($"it has {index.Length} bytes, and ends at {offset}: it was deleted meanwhile");
            await upload.Write(buffer.AsMemory(0, count), cancellationToken);
            offset += count;
        }

        await upload.Complete(cancellationToken);
    }

    /// <summary>
    /// Deletes the segments, but neither the end nor the last one before it: a writer that was frozen may still try to write in their place, and has to find them there.
    /// </summary>
    private async Task Clear(LogKey key, CancellationToken cancellationToken)
    {
        var segments = new List<string>();
        for (string? last = LogObjects.Log(key) + LogObjects.Whole; ;)
        {
            var page = await bucket.List(LogObjects.Log(key), last, cancellationToken);
            segments.AddRange(page.Objects.Select(found => found.Key));
            if (!page.Goes)
                break;
            last = segments[^1];
        }

        foreach (var some in segments.SkipLast(2).Chunk(1000))
            await bucket.Delete(some, cancellationToken);
    }

    [LoggerMessage(EventId = 1520, Level = LogLevel.Warning, Message = "The segments of the {Log} stay apart, which costs requests and nothing else: {Mistake}")]
    private partial void LogLeft(string log, string mistake);
}
