using Builds.Jobs;
using Microsoft.Extensions.Caching.Memory;

namespace Builds.Stores.S3;

/// <summary>
/// Finds and reads what is in a log. Objects do not change, so what was read is kept for a while: many readers of a log cost one look at each part of it, and small reads are
/// answered from larger ones. What is not known for certain is asked of the service each time.
/// </summary>
internal sealed class LogReads(IBucket bucket) : IDisposable
{
    private const long MostMemory = 64L << 20;
    private const int BlockSize = 1 << 20;
    private const int MostAtOnce = 32;
    private const int MostLooks = 5;
    private const int Overhead = 200;

    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(2);

    private readonly MemoryCache cache = new(new MemoryCacheOptions { SizeLimit = MostMemory });

    /// <summary>How the log stands at some moment of this call, or later.</summary>
    public async Task<LogIndex> Look(LogKey key, CancellationToken cancellationToken)
    {
        var index = Known(key);
        for (var look = 0; look < MostLooks; look++)
        {
            if (index.IsSealed)
                return index;
            if (await GoOn(key, index, cancellationToken) is { } next)
            {
                Keep(key, next, Overhead + (next.Segments.Count * 32L));
                return next;
            }

            index = LogIndex.Nothing;
        }

        throw new IOException($"the {key} has a hole: segments of it are missing in {bucket}");
    }

    /// <summary>Fills the buffer from <paramref name="offset"/> on, perhaps not wholly; 0 only at the end.</summary>
    public async ValueTask<int> Read(LogKey key, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var index = Known(key);
        for (var look = 0; look < MostLooks; look++)
        {
            if (offset >= index.Length)
                index = await Look(key, cancellationToken);
            if (offset >= index.Length || buffer.IsEmpty)
                return 0;
            var count = index.IsWhole
                ? await ReadObject(LogObjects.Log(key) + LogObjects.Whole, index.Length, offset, buffer, cancellationToken)
                : await ReadSegments(key, index, offset, buffer, cancellationToken);
            if (count is { } read)
                return read;
            // The segments were put together since that look.
            cache.Remove(key);
            index = LogIndex.Nothing;
        }

        throw new IOException($"the {key} has {index.Length} bytes, and what is at {offset} is missing in {bucket}");
    }

    /// <summary>Everything of a job's logs, as far as it goes.</summary>
    public void Forget(JobId job)
    {
        foreach (var key in cache.Keys.OfType<LogKey>().Where(key => key.Job == job))
            cache.Remove(key);
    }

    public void Dispose() => cache.Dispose();

    private LogIndex Known(LogKey key) => cache.Get<LogIndex>(key) ?? LogIndex.Nothing;

    private async Task<LogIndex?> GoOn(LogKey key, LogIndex index, CancellationToken cancellationToken)
    {
        var folder = LogObjects.Log(key);
        while (true)
        {
            var page = await bucket.List(folder, index.Last, cancellationToken);
            foreach (var found in page.Objects)
            {
                if (index.With(found) is not { } next)
                    return null;
                index = next;
            }

            if (!page.Goes || index.IsSealed)
                return index;
        }
    }

    /// <summary>Null if an object is not there any more.</summary>
    private async Task<int?> ReadSegments(LogKey key, LogIndex index, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var first = index.SegmentOf(offset);
        var loads = new List<Task<int?>>();
        var count = 0;
        // Small ones together, or a log of many short lines would take a round trip for each.
        for (var segment = first; segment < index.Segments.Count && loads.Count < MostAtOnce && count < buffer.Length; segment++)
        {
            var within = segment == first ? offset - index.Segments[segment] : 0;
            var wanted = (int)Math.Min(buffer.Length - count, index.SizeOf(segment) - within);
            loads.Add(ReadObject(LogObjects.Segment(key, index.Segments[segment]), index.SizeOf(segment), within, buffer.Slice(count, wanted), cancellationToken));
            count += wanted;
            if (index.SizeOf(segment) > BlockSize)
                break;
        }

        var counts = await Task.WhenAll(loads);
        if (counts.Any(read => read is null))
            return null;
        // Only the last one may have been read in part.
        return counts.Sum();
    }

    private async Task<int?> ReadObject(string objectKey, long size, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var begin = offset / BlockSize * BlockSize;
        var name = (objectKey, begin);
        if (cache.Get<byte[]>(name) is not { } block)
        {
            block = new byte[Math.Min(BlockSize, size - begin)];
            var count = await bucket.Read(objectKey, begin, block, cancellationToken);
            if (count is null)
                return null;
            if (count != block.Length)
                throw new IOException($"{objectKey} in {bucket} was listed with {size} bytes, and has {begin + count}");
            Keep(name, block, Overhead + block.Length);
        }

        var available = block.AsMemory((int)(offset - begin));
        available = available[..Math.Min(available.Length, buffer.Length)];
        available.CopyTo(buffer);
        return available.Length;
    }

    private void Keep(object name, object value, long size) =>
        cache.Set(name, value, new MemoryCacheEntryOptions { SlidingExpiration = Kept, Size = size });
}
