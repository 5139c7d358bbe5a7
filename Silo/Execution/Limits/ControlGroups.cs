using System.Globalization;

namespace Builds.Execution.Limits;

/// <summary>
/// A control group for each slot, below one of this data directory: version 2 where the machine has it, else the version 1 hierarchies of memory,
/// processes and processors. Only for a silo that may write them.
/// </summary>
internal sealed class ControlGroups
{
    private const string Mount = "/sys/fs/cgroup";
    private static readonly string[] Controllers = ["memory", "pids", "cpu", "freezer"], Unified = ["memory", "pids", "cpu"];
    private static readonly bool IsRoot = Native.Libc.EffectiveUser() == 0;

    /// <summary>Below the mount of each hierarchy: the group that is divided, and ours in it.</summary>
    private readonly string _above, _name;

    private ControlGroups(string above, string name) => (_above, _name) = (above, Path.Combine(above, "builds", name));

    /// <summary>Whether the machine has version 2 with controllers in it.</summary>
    public static bool IsUnified { get; } = File.Exists($"{Mount}/cgroup.controllers");

    /// <summary>As the setup log and <c>image test</c> call it.</summary>
    public static string Version => IsUnified ? "cgroup v2" : "cgroup v1";

    /// <summary>The groups of a data directory, or null and why there are none.</summary>
    public static (ControlGroups? Groups, string? Why) Open(string mark)
    {
        const string NotRoot = "this silo is not root";
        try
        {
            var above = IsRoot || !IsUnified ? "" : DelegatedGroup.Find(Mount, File.ReadAllText("/proc/self/cgroup"), Environment.ProcessId);
            if (above is null) return (null, $"{NotRoot}, and has no control group of its own to divide; to mend it: Delegate=yes in its systemd unit");
            var groups = new ControlGroups(above, mark.Replace('=', '-'));
            groups.Prepare();
            return (groups, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, IsRoot || IsUnified ? $"no control groups can be made: {e.Message.TrimEnd('.')}" : NotRoot);
        }
    }

    /// <summary>The directories of a slot's group, made if need be, with these limits.</summary>
    public IReadOnlyList<string> Of(string slot, BuildLimits limits)
    {
        var directories = Directories(slot);
        foreach (var directory in directories) Directory.CreateDirectory(directory);
        if (IsUnified)
        {
            Set(directories[0], "memory.max", limits.Memory);
            Set(directories[0], "memory.swap.max", 0);
            Set(directories[0], "pids.max", limits.Processes);
            Set(directories[0], "cpu.max", limits.Processors is { } share ? string.Create(CultureInfo.InvariantCulture, $"{(long)(share * 100_000)} 100000") : "max 100000");
            return directories;
        }

        Set(In("memory", slot), "memory.limit_in_bytes", limits.Memory);
        Set(In("memory", slot), "memory.memsw.limit_in_bytes", limits.Memory);
        Set(In("pids", slot), "pids.max", limits.Processes);
        Set(In("cpu", slot), "cpu.cfs_quota_us", limits.Processors is { } processors ? (long)(processors * 100_000) : -1);
        return directories;
    }

    /// <summary>Raises the limits of memory and processes of a slot whose group is there. Throws <see cref="IOException"/> where that cannot be.</summary>
    public void Raise(string slot, BuildLimits limits)
    {
        if (IsUnified)
        {
            Set(In(null, slot), "memory.max", limits.Memory);
            Set(In(null, slot), "pids.max", limits.Processes);
            return;
        }

        // With swap first, which may never be less than without.
        Set(In("memory", slot), "memory.memsw.limit_in_bytes", limits.Memory);
        Set(In("memory", slot), "memory.limit_in_bytes", limits.Memory);
        Set(In("pids", slot), "pids.max", limits.Processes);
    }

    /// <summary>How often a limit of a slot was hit since it was made, in it and below.</summary>
    public GroupHits Hits(string slot) => IsUnified
        ? new(Sum(In(null, slot), "memory.events", "oom_kill"), Sum(In(null, slot), "pids.events", "max"))
        : new(Sum(In("memory", slot), "memory.oom_control", "oom_kill"), Sum(In("pids", slot), "pids.events", "max"));

    /// <summary>When the machine is short of memory, the kernel ends what runs in a slot's group before anything else.</summary>
    public void EndFirst(string slot)
    {
        const string First = "1000";
        var directory = In(IsUnified ? null : "pids", slot);
        try
        {
            if (!Directory.Exists(directory)) return;
            foreach (var process in Directory.EnumerateFiles(directory, "cgroup.procs", SearchOption.AllDirectories).SelectMany(File.ReadLines)) Set(process);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The group, or one below it, has just been removed.
        }

        static void Set(string process)
        {
            try
            {
                File.WriteAllText($"/proc/{process}/oom_score_adj", First);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended, or is not ours to say.
            }
        }
    }

    /// <summary>Removes the group of a slot and those below; what has processes still stays. True if nothing is left.</summary>
    public bool Remove(string slot)
    {
        var gone = true;
        // Tools that make groups of their own below ours do it in every hierarchy that there is.
        string[] hierarchies = IsUnified ? [Mount] : Directory.GetDirectories(Mount);
        foreach (var hierarchy in hierarchies) gone &= RemoveTree(Path.Combine(hierarchy, _name, slot).TrimEnd('/'));
        return gone;
    }

    /// <summary>Removes what earlier silos of the data directory left.</summary>
    public int Sweep(Func<string, bool> isUsed) =>
        Directory.EnumerateDirectories(IsUnified ? In(null, "") : In("pids", ""))
            .Select(d => Path.GetFileName(d)!).Where(slot => !isUsed(slot)).Count(Remove);

    /// <summary>Removes the group of the data directory, if nothing runs in it.</summary>
    public void Leave() => Remove("");

    private string[] Directories(string slot) =>
        IsUnified ? [In(null, slot)] : [.. Controllers.Where(controller => Directory.Exists($"{Mount}/{controller}")).Select(controller => In(controller, slot))];

    private string In(string? controller, string slot) => Path.Combine(controller is null ? Mount : $"{Mount}/{controller}", _name, slot).TrimEnd('/');

    private void Prepare()
    {
        if (!IsUnified && !File.Exists($"{Mount}/memory/tasks")) throw new IOException("neither version of them is mounted");
        foreach (var directory in Directories("")) Directory.CreateDirectory(directory);
        if (!IsUnified)
        {
            if (File.Exists($"{Mount}/memory/memory.use_hierarchy") && File.ReadAllText($"{In("memory", "")}/memory.use_hierarchy").Trim() == "0")
                File.WriteAllText($"{In("memory", "")}/memory.use_hierarchy", "1");
            return;
        }
        foreach (var directory in new[] { Path.Combine(Mount, _above), Path.GetDirectoryName(In(null, ""))!, In(null, "") }) GiveControllers(directory);
    }

    /// <summary>Lets groups of version 2 below one be limited.</summary>
    private static void GiveControllers(string directory)
    {
        var there = DelegatedGroup.Words(directory, "cgroup.controllers");
        if (!there.Contains("memory") || !there.Contains("pids")) throw new IOException($"{directory} has not both controllers memory and pids");
        var given = DelegatedGroup.Words(directory, "cgroup.subtree_control");
        // What systemd gives to the groups of a session is for it to say, as long as it is enough.
        if (!IsRoot && given.Contains("memory") && given.Contains("pids")) return;
        var missing = there.Intersect(Unified).Except(given).Select(controller => $"+{controller}").ToList();
        if (missing.Count > 0) File.WriteAllText(Path.Combine(directory, "cgroup.subtree_control"), string.Join(' ', missing));
    }

    private static void Set(string directory, string name, long value) => Set(directory, name, value.ToString(CultureInfo.InvariantCulture));

    private static void Set(string directory, string name, string value)
    {
        var path = Path.Combine(directory, name);
        // Without accounting of swap there is no such file, and no swap to limit; and not everybody is given the processors.
        if (File.Exists(path)) File.WriteAllText(path, value);
    }

    private static long Sum(string directory, string file, string key)
    {
        if (!Directory.Exists(directory)) return 0;
        try
        {
            var own = File.ReadLines(Path.Combine(directory, file)).Select(line => line.Split(' ')).Where(words => words is [var name, _] && name == key)
                .Sum(words => long.Parse(words[1], CultureInfo.InvariantCulture));
            return own + Directory.EnumerateDirectories(directory).Sum(below => Sum(below, file, key));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // A kernel without this count, or a group that has just been removed.
            return 0;
        }
    }

    private static bool RemoveTree(string directory)
    {
        if (!Directory.Exists(directory)) return true;
        foreach (var below in Directory.EnumerateDirectories(directory)) RemoveTree(below);
        // The files in it are the kernel's: only rmdir removes it.
        return Native.Libc.RemoveDirectory(directory) == 0 || !Directory.Exists(directory);
    }
}

/// <summary>How often processes of a slot were killed for want of memory, or could not be started since there were too many.</summary>
internal readonly record struct GroupHits(long Memory, long Processes);
