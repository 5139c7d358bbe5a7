namespace Builds.Execution.Sandbox;

/// <summary>Paths without links, since a mount hides only what it is laid over.</summary>
internal static class RealPath
{
    private const int MaxLinks = 40;

    /// <summary>The absolute path with every link resolved; what does not exist stays as it is written.</summary>
    public static string Of(string path)
    {
        var pending = new Stack<string>(Parts(Path.GetFullPath(path)));
        var done = "/";
        for (var links = 0; pending.TryPop(out var part);)
        {
            var next = Path.Combine(done, part);
            var target = new FileInfo(next).LinkTarget;
            if (target is null)
            {
                done = next;
                continue;
            }
            if (++links > MaxLinks) throw new IOException($"{path} leads through more than {MaxLinks} links.");
            foreach (var p in Parts(Path.GetFullPath(target, done))) pending.Push(p);
            done = "/";
        }
        return done;
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
