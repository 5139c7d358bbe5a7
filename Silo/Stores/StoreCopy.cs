using Builds.Cluster;

namespace Builds.Stores;

/// <summary>Logs and artifacts of a data directory go to a store that is a directory.</summary>
internal static class StoreCopy
{
    /// <summary>
    /// Copies every file, and returns when they are on disk. What is there already, with the same length, was copied by an earlier try.
    /// Nobody writes in either directory meanwhile.
    /// </summary>
    /// <returns>How many files there are.</returns>
    public static int Run(DataDirectory data, string store)
    {
        var files = 0;
        foreach (var (from, to) in new[] { (data.Logs, Path.Combine(store, "logs")), (data.Artifacts, Path.Combine(store, "artifacts")) })
        {
            if (Directory.Exists(from))
                files += Copy(from, to);
        }

        return files;
    }

    private static int Copy(string from, string to)
    {
        var files = 0;
        Directory.CreateDirectory(to);
        foreach (var directory in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, directory)));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            if (!File.Exists(target) || new FileInfo(target).Length != new FileInfo(file).Length)
                Copy(file, target, target + ".importing");
            files++;
        }

        foreach (var directory in Directory.EnumerateDirectories(to, "*", SearchOption.AllDirectories))
            DurableFile.SyncDirectories(directory, directory);
        DurableFile.SyncDirectories(to, Path.GetDirectoryName(to)!);
        return files;
    }

    private static void Copy(string from, string to, string draft)
    {
        File.Copy(from, draft, overwrite: true);
        using (var copied = new FileStream(draft, FileMode.Open, FileAccess.ReadWrite))
            copied.Flush(flushToDisk: true);
        File.Move(draft, to, overwrite: true);
    }
}
