using Builds.Logs;
using Microsoft.Win32.SafeHandles;

namespace Builds.Stores;

/// <summary>
/// A log that this process writes. What readers see is <see cref="State"/>: it moves only after the bytes are in the file, and
/// never again once the attempt was given up.
/// </summary>
internal sealed class FileLog(FileLogStore store, LogKey key, SafeFileHandle file) : ILogAppender
{
    private readonly Lock gate = new();
    private long length;
    private bool isSealed;
    private bool isClosed;

    public LogKey Key => key;

    public LogState State
    {
        get
        {
            lock (gate)
                return new LogState(length, isSealed || isClosed);
        }
    }

    /// <summary>No byte becomes visible from here on; answers the length that stays.</summary>
    public long Close()
    {
        lock (gate)
        {
            isClosed = true;
            return length;
        }
    }

    public async ValueTask Append(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var offset = Writable();
        if (bytes.IsEmpty)
            return;
        await RandomAccess.WriteAsync(file, bytes, offset, cancellationToken);
        KillPoint.Reached("log.written");
        lock (gate)
        {
            // The attempt may have been given up while the bytes were written: then they stay behind the end.
            ThrowIfClosed();
            length = offset + bytes.Length;
        }

        KillPoint.Reached("log.shown");
        store.Changed(key);
    }

    public async ValueTask Seal(CancellationToken cancellationToken)
    {
        if (!isSealed)
            await store.Seal(this, cancellationToken);
    }

    /// <summary>For the store, which lets nothing else happen to the attempt meanwhile.</summary>
    public void SyncAndSeal(Action name)
    {
        // A write that failed half-way left bytes that nobody may see.
        RandomAccess.SetLength(file, Writable());
        RandomAccess.FlushToDisk(file);
        KillPoint.Reached("log.synced");
        name();
        lock (gate)
            isSealed = true;
    }

    /// <summary>For the store, in the same way.</summary>
    public void Release()
    {
        if (file.IsClosed)
            return;
        if (State is { Sealed: false, Length: var visible })
            RandomAccess.SetLength(file, visible);
        file.Dispose();
    }

    public async ValueTask DisposeAsync() => await store.Release(this);

    private long Writable()
    {
        lock (gate)
        {
            ThrowIfClosed();
            ObjectDisposedException.ThrowIf(isSealed || file.IsClosed, this);
            return length;
        }
    }

    private void ThrowIfClosed()
    {
        if (isClosed)
            throw FileLogStore.GivenUp(key);
    }
}
