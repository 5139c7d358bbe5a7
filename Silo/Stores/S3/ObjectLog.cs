using Builds.Logs;

namespace Builds.Stores.S3;

/// <summary>
/// A log that this process writes, a segment with each append (<see cref="LogObjects"/>). Nothing that this process believes decides: an append is done when its segment is
/// written on condition that nobody was there, and a try whose answer was lost is recognised by the name of the writer in what is there.
/// </summary>
internal sealed class ObjectLog(ObjectLogStore store, LogKey key, string writer, TimeProvider clock) : ILogAppender
{
    /// <summary>How long nobody else is looked for after the service last said that there is none.</summary>
    public static readonly TimeSpan Trusted = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private long length;
    private int segments;
    private bool isSealed;
    private bool isLost;
    private bool isDisposed;

    /// <summary>A write is on its way, or its outcome is not known: others may see more than <see cref="length"/>.</summary>
    private bool isUnsure;

    private long sure = clock.GetTimestamp();

    public LogKey Key => key;

    /// <summary>Null if only the store can tell.</summary>
    public LogState? State
    {
        get
        {
            lock (gate)
                return isUnsure || isLost || isSealed || clock.GetElapsedTime(sure) > Trusted ? null : new LogState(length, Sealed: false);
        }
    }

    public async ValueTask Append(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        ThrowIfEnded();
        var begin = length;
        await store.Patience.Until(
            async () =>
            {
                // What an earlier call wrote without hearing of it is repeated as the beginning of this one.
                while (bytes[(int)Math.Min(length - begin, bytes.Length)..] is { IsEmpty: false } rest)
                {
                    // An end whose answer was lost may turn out to be there.
                    ThrowIfEnded();
                    await Write(rest, cancellationToken);
                }
            },
            cancellationToken);
        store.Changed(key);
    }

    public async ValueTask Seal(CancellationToken cancellationToken)
    {
        if (isSealed)
            return;
        ThrowIfEnded();
        await store.Patience.Until(
            async () =>
            {
                while (!isSealed)
                    await Write(ReadOnlyMemory<byte>.Empty, cancellationToken);
            },
            cancellationToken);
        store.Forget(this);
        store.Changed(key);
        store.Ended(key, segments);
    }

    public ValueTask DisposeAsync()
    {
        isDisposed = true;
        store.Forget(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Takes one step: writes the bytes, or without any the end, or learns what is in their place.</summary>
    private async ValueTask Write(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        lock (gate)
            isUnsure = true;
        var place = LogObjects.Segment(key, length);
        if (await store.PutNew(place, bytes, writer, cancellationToken))
            Reach(bytes.Length);
        else if (await store.Bucket.Find(place, cancellationToken) is not { } found)
            throw new IOException($"{place} in {store.Bucket} can neither be written nor found");
        else if (found.Writer == writer)
            Reach(found.Size);
        else
            throw Lost();
    }

    private void Reach(long size)
    {
        lock (gate)
        {
            length += size;
            segments++;
            isSealed = size == 0;
            isUnsure = false;
            sure = clock.GetTimestamp();
        }
    }

    private AttemptClosedException Lost()
    {
        lock (gate)
            isLost = true;
        return FileLogStore.GivenUp(key);
    }

    private void ThrowIfEnded()
    {
        ObjectDisposedException.ThrowIf(isSealed || isDisposed, this);
        if (isLost)
            throw FileLogStore.GivenUp(key);
    }
}
