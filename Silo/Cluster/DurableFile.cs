using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Builds.Execution.Native;

namespace Builds.Cluster;

/// <summary>Small files that are there whole and on disk, or not at all, whatever happens to the process or the machine.</summary>
internal static class DurableFile
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes or replaces a file that only its owner may read; it is on disk when this returns.</summary>
    public static void Write(string path, string text)
    {
        // The same name each time: what a killed process left behind is overwritten.
        var draft = path + ".new";
        File.Delete(draft);
        Place(draft, path, text, replaces: true);
    }

    /// <summary>
    /// Like <see cref="Write"/>, unless the file is there already: false, and it stays as it is. Of several that do this at once, from whatever
    /// machine, one writes.
    /// </summary>
    public static bool Add(string path, string text)
    {
        if (File.Exists(path))
            return false;
        // A name of its own, since others may do the same.
        var draft = $"{path}.{RandomNumberGenerator.GetHexString(8)}.new";
        try
        {
            Place(draft, path, text, replaces: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
        finally
        {
            File.Delete(draft);
        }
    }

    private static void Place(string draft, string path, string text, bool replaces)
    {
        using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private }))
        {
            file.Write(Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        KillPoint.Reached("file.drafted", Path.GetFileName(path));
        File.Move(draft, path, replaces);
        KillPoint.Reached("file.moved", Path.GetFileName(path));
        SyncDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Every directory from <paramref name="directory"/> up to <paramref name="root"/>, both included.</summary>
    public static void SyncDirectories(string directory, string root)
    {
        for (var next = directory; next.Length >= root.Length; next = Path.GetDirectoryName(next)!)
            SyncDirectory(next);
    }

    /// <summary>A new name is on disk only when its directory is.</summary>
    private static void SyncDirectory(string directory)
    {
        var descriptor = Libc.Open(directory, Libc.ReadOnlyCloseOnExec);
        if (descriptor < 0)
            throw Failed(directory);
        try
        {
            if (Libc.Sync(descriptor) != 0)
                throw Failed(directory);
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    private static IOException Failed(string directory) =>
        new($"directory {directory} cannot be written to disk: {Marshal.GetLastPInvokeErrorMessage()}");
}
