using System.Globalization;
using System.Text;
using Builds.Execution.Native;
using Builds.Execution.Sandbox;

namespace Builds.Execution.Slots;

/// <summary>What an earlier silo of the same data directory left behind: guards that did not end yet, and homes.</summary>
internal sealed class Leftovers(GuardProgram program, TimeProvider time)
{
    private static readonly string[] Ours = ["init", "bwrap", "podman", "conmon", "runc", "crun"];
    private static readonly string[] Modes = ["namespace", "mapped", "container"];
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Ends the guards and removes the homes. Returns how many of each there were.</summary>
    public async Task<(int Guards, int Homes)> Sweep(CancellationToken cancellationToken)
    {
        var guards = Guards(program.Mark);
        await End(guards, cancellationToken);
        var slots = Path.Combine(program.DataDirectory, "slots");
        if (!Directory.Exists(slots)) return (guards.Count, 0);
        var homes = 0;
        foreach (var slot in Directory.EnumerateDirectories(slots).Where(slot => !MakingName.IsAlive(Path.GetFileName(slot))))
        {
            var before = Directory.EnumerateFileSystemEntries(slot).Any(IsOfBuild);
            // All but the two files of names: what a build could have written.
            foreach (var directory in Directory.EnumerateDirectories(slot))
            {
                var end = await program.Wipe(directory);
                if (end.Code != 0) throw new IOException($"What an earlier build left behind cannot be removed: {end.Words}");
            }
            File.Delete(Path.Combine(slot, "space"));
            // Slots of builds bear a number, and are used again.
            if (!int.TryParse(Path.GetFileName(slot), CultureInfo.InvariantCulture, out _)) Directory.Delete(slot, recursive: true);
            if (before) homes++;
        }
        return (guards.Count, homes);
    }

    /// <summary>A disk, a home, or what an earlier version had.</summary>
    private static bool IsOfBuild(string path) => Path.GetFileName(path) is "space" or "home" || (Path.GetFileName(path) == "place" && Directory.EnumerateFileSystemEntries(path).Any());

    /// <summary>Guards (and the bubblewraps around them) that bear all of these marks.</summary>
    private static List<int> Guards(params string[] marks)
    {
        var found = new List<int>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var pid) || pid == Environment.ProcessId) continue;
            try
            {
                var words = Encoding.UTF8.GetString(File.ReadAllBytes($"{directory}/cmdline")).Split('\0');
                // Anybody can write words on a command line, but what bears ours is one of these programs.
                if (marks.All(mark => words.Contains(mark, StringComparer.Ordinal)) && !words.Any(MakingName.IsAlive) && Ours.Contains(Path.GetFileName(new FileInfo($"{directory}/exe").LinkTarget)?.Split(' ')[0])) found.Add(pid);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended while we looked, or is another user's, whose processes are not ours to end.
            }
        }
        return found;
    }

    /// <summary>Kills guards by their name, and with each its namespace. An executor of another data directory in this process may have the same names.</summary>
    public void KillGuards(string name)
    {
        foreach (var pid in Guards(program.Mark, name)) _ = Libc.SendSignal(pid, Libc.Kill);
    }

    /// <summary>
    /// A guard without a namespace must end its children itself, which it does once its silo is gone; one with a namespace
    /// takes everything along when it is killed.
    /// </summary>
    private async Task End(IReadOnlyList<int> guards, CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        foreach (var pid in guards.Where(HasNamespace)) _ = Libc.SendSignal(pid, Libc.Kill);
        while (guards.Any(pid => Directory.Exists($"/proc/{pid}") && Guards(program.Mark).Contains(pid)))
        {
            if (time.GetElapsedTime(since) > Bound)
                throw new IOException($"Builds of an earlier silo do not end: processes {string.Join(", ", Guards(program.Mark))}. End them, or the silo that uses {program.DataDirectory} as well.");
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    private static bool HasNamespace(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0').Intersect(Modes, StringComparer.Ordinal).Any();
        }
        catch (IOException)
        {
            return false;
        }
    }
}
