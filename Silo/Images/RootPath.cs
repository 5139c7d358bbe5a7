namespace Builds.Images;

/// <summary>Paths inside of a root file system that is not the machine's: its links must not lead out of it.</summary>
internal static class RootPath
{
    private const int MaxLinks = 40;

    /// <summary>Where an absolute path of the root file system is on this machine, every link followed as its own programs would.</summary>
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

    private static IEnumerable<string> Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse();
}
