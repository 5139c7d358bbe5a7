using System.Diagnostics;
using Builds.Execution.Sandbox;

namespace Builds.Benchmarks.Neighbours;

/// <summary>What a data directory's builds have on this machine at a moment, one thing a line: processes, mounts, disks, control groups, containers.</summary>
internal static class Leftovers
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(10), Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits until it is what it was before. The kernel takes its time to let go of a loop device.</summary>
    public static async Task Gone(string data, string mark, IReadOnlySet<string> before)
    {
        var begin = Stopwatch.GetTimestamp();
        List<string> left;
        while ((left = [.. (await Of(data, mark)).Except(before)]).Count > 0)
        {
            if (Stopwatch.GetElapsedTime(begin) > Bound)
                throw new InvalidOperationException($"Left behind: {string.Join("; ", left)}");
            await Task.Delay(Pause);
        }
    }

    public static async Task<IReadOnlySet<string>> Of(string data, string mark)
    {
        var all = new HashSet<string>(StringComparer.Ordinal);
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => int.TryParse(Path.GetFileName(path), out _)))
            if (Text($"{process}/cmdline").Contains(mark, StringComparison.Ordinal) || Text($"{process}/cgroup").Contains(mark.Replace('=', '-'), StringComparison.Ordinal))
                all.Add($"process {Path.GetFileName(process)}");
        all.UnionWith((await File.ReadAllLinesAsync("/proc/self/mountinfo")).Where(mount => mount.Contains(data, StringComparison.Ordinal)));
        foreach (var device in Directory.EnumerateDirectories("/sys/block", "loop*"))
            if (Text($"{device}/loop/backing_file").Contains(data, StringComparison.Ordinal))
                all.Add($"device {device}");
        foreach (var groups in Directory.EnumerateDirectories("/sys/fs/cgroup").Select(controller => $"{controller}/builds/{mark.Replace('=', '-')}").Where(Directory.Exists))
            all.UnionWith(Directory.EnumerateDirectories(groups, "*", SearchOption.AllDirectories));
        all.UnionWith(Directory.EnumerateFileSystemEntries(Path.Combine(data, "slots"), "*", SearchOption.AllDirectories));
        if (SandboxMachine.FindPodman() is { } podman)
        {
            var list = await Tool.Output(Path.Combine(data, "containers"), podman, "ps", "--all", "--filter", $"label={ImagePodmanDriver.Label}={mark}", "--format", "container {{.Names}}");
            all.UnionWith(list.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }

        return all;
    }

    private static string Text(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended meanwhile, or is no such device.
            return "";
        }
    }
}
