using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Builds.Stores;

/// <summary>What it takes for a file and its name to survive a power cut: sync the bytes, then every directory on the way to it.</summary>
internal static partial class DurableFiles
{
    /// <summary>Makes names below <paramref name="root"/> durable: syncs <paramref name="directory"/> and all above it, the root included.</summary>
    public static void SyncDirectories(string directory, string root)
    {
        for (var next = directory; ; next = Path.GetDirectoryName(next)!)
        {
            SyncDirectory(next);
            if (next.Length <= root.Length)
                return;
        }
    }

    /// <summary>Writes a small file whole or not at all; its name is durable once its directories are synced.</summary>
    public static void WriteWhole(string path, ReadOnlySpan<byte> content)
    {
        var unfinished = path + ".new";
        using (var file = File.OpenHandle(unfinished, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(file, content, 0);
            RandomAccess.FlushToDisk(file);
        }

        File.Move(unfinished, path, overwrite: true);
    }

    // .NET opens no directories, and only a directory's own sync makes the names in it durable (fsync(2)).
    private static void SyncDirectory(string path)
    {
        var descriptor = Open(path, OpenReadOnly);
        if (descriptor < 0)
            throw Failed("open", path);
        try
        {
            if (Sync(descriptor) != 0)
                throw Failed("sync", path);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private const int OpenReadOnly = 0x80000; // O_RDONLY | O_CLOEXEC, the same on every architecture that we run on

    private static IOException Failed(string what, string path)
    {
        var cause = new Win32Exception(Marshal.GetLastPInvokeError());
        return new IOException($"could not {what} directory '{path}': {cause.Message}", cause);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
