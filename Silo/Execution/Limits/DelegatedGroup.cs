using System.Globalization;

namespace Builds.Execution.Limits;

/// <summary>
/// The control group of version 2 below which an ordinary user may make others: the silo's own, where it is alone in it and systemd has delegated it
/// (Delegate=yes), else the closest one above with the controllers that we need, as a login session has for its services.
/// </summary>
internal static class DelegatedGroup
{
    /// <summary>Where the silo itself goes when its own group is divided, since no group with members may have parts that are limited.</summary>
    private const string Silo = "silo";

    /// <summary>Its directory, or null: there is none.</summary>
    /// <param name="mount">Of version 2.</param>
    /// <param name="membership">The text of <c>/proc/self/cgroup</c>.</param>
    public static string? Find(string mount, string membership, int process)
    {
        const string Prefix = "0::/";
        if (membership.Split('\n').FirstOrDefault(line => line.StartsWith(Prefix, StringComparison.Ordinal)) is not { } line) return null;
        var own = Path.Combine(mount, line[Prefix.Length..].Trim('/'));
        // Divided before, by this process.
        if (Path.GetFileName(own) == Silo) own = Path.GetDirectoryName(own)!;
        for (var directory = own; directory.Length > mount.TrimEnd('/').Length; directory = Path.GetDirectoryName(directory)!)
        {
            if (!IsOurs(directory)) continue;
            if (Words(directory, "cgroup.subtree_control") is var given && given.Contains("memory") && given.Contains("pids")) return directory;
            if (directory != own || !IsAlone(own, process)) continue;
            Directory.CreateDirectory(Path.Combine(own, Silo));
            File.WriteAllText(Path.Combine(own, Silo, "cgroup.procs"), process.ToString(CultureInfo.InvariantCulture));
            return own;
        }
        return null;
    }

    /// <summary>The words of a file of a group.</summary>
    public static string[] Words(string directory, string file) => File.ReadAllText(Path.Combine(directory, file)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static bool IsAlone(string directory, int process) =>
        Words(directory, "cgroup.controllers").Contains("memory") && Words(directory, "cgroup.procs") is [var one] && one == process.ToString(CultureInfo.InvariantCulture);

    private static bool IsOurs(string directory)
    {
        try
        {
            foreach (var file in new[] { "cgroup.procs", "cgroup.subtree_control" }) File.OpenHandle(Path.Combine(directory, file), FileMode.Open, FileAccess.Write).Dispose();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
