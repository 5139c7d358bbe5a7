using Builds.Logs;
using Microsoft.Win32.SafeHandles;

namespace Builds.Stores;

/// <summary>Begins one log, in steps that may be tried again when one of them failed and perhaps happened all the same.</summary>
internal sealed class Beginning(FileLogStore store, LogKey key) : IDisposable
{
    private bool triedFile;
    private bool triedBegun;

    public SafeFileHandle? File { get; private set; }

    public ValueTask Try()
    {
        var paths = store.Paths;
        Refuse();
        if (File is null)
        {
            if (!triedFile && paths.Find(key) is not null)
                throw Exists();
            Directory.CreateDirectory(paths.Attempt(key.Job, key.Attempt));
            KillPoint.Reached("log.begins");
            File = Open(paths.Open(key, 0), ref triedFile) ?? throw Exists();
            KillPoint.Reached("log.begun");
        }

        if (Open(paths.Begun(key), ref triedBegun) is not { } begun)
        {
            // The one whose it is has written already: its name is another one.
            System.IO.File.Delete(paths.Open(key, 0));
            throw Exists();
        }

        begun.Dispose();
        KillPoint.Reached("log.marked");
        try
        {
            // Who closes the attempt made its mark first and looked for logs then: it saw this one, or this one sees the mark.
            Refuse();
        }
        catch (AttemptClosedException)
        {
            System.IO.File.Delete(paths.Open(key, 0));
            System.IO.File.Delete(paths.Begun(key));
            throw;
        }

        return ValueTask.CompletedTask;
    }

    public void Dispose() => File?.Dispose();

    private void Refuse()
    {
        if (store.IsGivenUp(key.Job, key.Attempt))
            throw FileLogStore.GivenUp(key);
    }

    private AttemptClosedException Exists() => new($"the {key} exists already: it has one writer");

    /// <summary>Null if it is somebody else's.</summary>
    private static SafeFileHandle? Open(string path, ref bool tried)
    {
        var mode = tried ? FileMode.OpenOrCreate : FileMode.CreateNew;
        tried = true;
        try
        {
            return System.IO.File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (IOException) when (mode == FileMode.CreateNew && System.IO.File.Exists(path))
        {
            return null;
        }
    }
}
