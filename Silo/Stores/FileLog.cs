using System.Runtime.InteropServices;
using Builds.Execution.Native;
using Builds.Logs;
using Microsoft.Win32.SafeHandles;

namespace Builds.Stores;

/// <summary>
/// A log that this process writes. Bytes are written behind the visible end first; the rename that follows shows them to everybody at once, or
/// fails because the attempt was given up meanwhile, and then they never existed. So nothing that this process does or remembers, frozen for however long, can move what others saw.
/// </summary>
internal sealed class FileLog(FileLogStore store, LogKey key, SafeFileHandle file) : ILogAppender
{
    private readonly LogPaths paths = store.Paths;
    private long length;
    private volatile bool isSealed;

    /// <summary>Where a rename was to lead that failed otherwise than by losing: it may have happened.</summary>
    private long? unsure;

    public LogKey Key => key;

    /// <summary>Never ahead of the name.</summary>
    public LogState State => new(Interlocked.Read(ref length), isSealed);

    public async ValueTask Append(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        ThrowIfEnded();
        var begin = length;
        await store.Patience.Until(
            async () =>
            {
                Settle();
                // What an earlier call failed to show may be visible, and is repeated as the beginning of this one.
                if (bytes[(int)Math.Min(length - begin, bytes.Length)..] is { IsEmpty: false } rest)
                    await Append(rest);
            },
            cancellationToken);
        KillPoint.Reached("log.shown");
        store.Changed(key);
    }

    public async ValueTask Seal(CancellationToken cancellationToken)
    {
        if (isSealed)
            return;
        ThrowIfEnded();
        await store.Patience.Until(
            () =>
            {
                Settle();
                Sync();
                if (!Rename(paths.Open(key, length), paths.Sealed(key)) && paths.Find(key) is not { Phase: LogPhase.Sealed })
                    throw Lost();
                KillPoint.Reached("log.renamed");
                File.Delete(paths.Begun(key));
                store.SyncNames(key);
                KillPoint.Reached("log.sealed");
                return ValueTask.CompletedTask;
            },
            cancellationToken);
        isSealed = true;
        store.Forget(this);
        file.Dispose();
        store.Changed(key);
    }

    /// <summary>Null if the writer has left.</summary>
    public async ValueTask<int?> Read(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await RandomAccess.ReadAsync(file, buffer, offset, cancellationToken);
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    public ValueTask DisposeAsync()
    {
        // What a failed write left behind the visible end may stay: the name says where that is.
        store.Forget(this);
        file.Dispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask Append(ReadOnlyMemory<byte> bytes)
    {
        await RandomAccess.WriteAsync(file, bytes, length);
        if (store.SyncsAppends)
            RandomAccess.FlushToDisk(file);
        KillPoint.Reached("log.written");
        var end = length + bytes.Length;
        unsure = end;
        if (Rename(paths.Open(key, length), paths.Open(key, end)))
            Reach(end);
        else
            Settle();
        if (length != end)
            throw new IOException($"the {key} is called {paths.Open(key, length)} and cannot be renamed");
        KillPoint.Reached("log.published");
    }

    /// <summary>Finds out what became of a rename whose outcome is not known.</summary>
    private void Settle()
    {
        if (unsure is null)
            return;
        if (paths.Find(key) is { Phase: LogPhase.Open } name && (name.Named == unsure || name.Named == length))
            Reach(name.Named);
        else
            throw Lost();
    }

    private void Reach(long visible)
    {
        Interlocked.Exchange(ref length, visible);
        unsure = null;
    }

    /// <summary>Why the name is not what this writer made it. Only what says so ends the attempt; a store that shows nothing cannot be reached.</summary>
    private Exception Lost() => paths.Closed(key.Job, key.Attempt) is not null || paths.Find(key) is { Phase: LogPhase.Closed }
        ? FileLogStore.GivenUp(key)
        : new FileNotFoundException($"the {key} is not where it was written: {paths.Open(key, length)}");

    private void Sync()
    {
        try
        {
            // A write that failed half-way left bytes that nobody saw.
            RandomAccess.SetLength(file, length);
            RandomAccess.FlushToDisk(file);
        }
        catch (IOException error)
        {
            // The system tells it once and then takes the bytes for written.
            throw new LostBytesException($"the {key} could not be written to disk: {error.Message}", error);
        }

        KillPoint.Reached("log.synced");
    }

    private void ThrowIfEnded() => ObjectDisposedException.ThrowIf(isSealed || file.IsClosed, this);

    /// <summary>True: it is called so now. False: it was not called so any more.</summary>
    internal static bool Rename(string from, string to)
    {
        if (Libc.Rename(from, to) == 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        return error == Libc.NoEntry ? false : throw new IOException($"{from} cannot become {Path.GetFileName(to)}: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }
}
