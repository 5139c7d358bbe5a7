namespace Builds.Execution.Sandbox;

/// <summary>Paths without links, since a mount hides only what it is laid over.</summary>
internal static class RealPath
{
    private const int MaxLinks = 40;

    /// <summary>The absolute path with every link resolved; what does not exist stays as it is written.</summary>
    public static string Of(string path) => In("/", Path.GetFullPath(path));

    /// <summary>Where an absolute path of a root file system is on this machine, every link followed as its own programs would: none leads out of it.</summary>
    public static string In(string root, string path)
    {
        var pending = new Stack<string>(Parts(path));
        var done = new List<string>();
        for (var links = 0; pending.TryPop(out var part);)
        {
            if (part == "..")
            {
                if (done.Count > 0) done.RemoveAt(done.Count - 1);
                continue;
            }
            if (part == ".") continue;
            var target = new FileInfo(Path.Combine([root, .. done, part])).LinkTarget;
            if (target is null)
            {
                done.Add(part);
                continue;
            }
            if (++links > MaxLinks) throw new IOException($"{path} of {root} leads through more than {MaxLinks} links.");
            foreach (var p in Parts(target)) pending.Push(p);
            if (target.StartsWith('/')) done.Clear();
        }
        return Path.Combine([root, .. done]);
    }

    /// <summary>Whether a path is a directory or lies in it.</summary>
    public static bool IsWithin(string path, string directory) =>
        path == directory || directory == "/" || path.StartsWith(directory + "/", StringComparison.Ordinal);

    /// <summary>Whether every user may go through a directory.</summary>
    public static bool IsOpenToAll(string directory)
    {
        for (var d = new DirectoryInfo(directory); d is not null; d = d.Parent)
            if (!d.UnixFileMode.HasFlag(UnixFileMode.OtherExecute)) return false;
        return true;
    }

    private static IEnumerable<string> Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse();
}
