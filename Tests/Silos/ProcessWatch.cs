using System.Globalization;
using System.Text;
using Builds.Execution;
using Builds.Execution.Sandbox;
using Microsoft.Extensions.Options;

namespace Builds.Tests.Silos;

/// <summary>A process of a build, or one that guards builds. The start time tells it from a later one with the same number.</summary>
internal sealed record BuildProcess(int Pid, string Started, string Job, string Attempt, string Command);

/// <summary>Looks at the processes of this machine that belong to builds of these data directories, whose builds bear the mark of the first.</summary>
internal sealed class ProcessWatch(params string[] data)
{
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan VeryOften = TimeSpan.FromMilliseconds(20);

    private readonly string run = RunOf(data[0]);
    private readonly string[] marks = [.. data.Select(directory => new GuardProgram(Options.Create(new ExecutionOptions { DataDirectory = directory })).Mark)];

    /// <summary>Looks again and again until <paramref name="over"/>; throws when it sees two attempts of a job alive at once.</summary>
    public async Task Watch(Task over)
    {
        using var timer = new PeriodicTimer(Often);
        while (!over.IsCompleted)
        {
            foreach (var job in Alive().Where(process => process.Job.Length > 0).GroupBy(process => process.Job))
            {
                var attempts = job.DistinctBy(process => process.Attempt).ToArray();
                // Looking takes time, so the first may have ended before the second began: only who is alive after that counts.
                if (attempts.Length > 1 && attempts.Count(IsAlive) > 1)
                    throw new HarnessException($"two attempts of job {job.Key} are alive:\n{string.Join('\n', job)}");
            }

            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Waits until none of these is alive; how long after <paramref name="since"/> that was.</summary>
    public static async Task<TimeSpan> Gone(IReadOnlyCollection<BuildProcess> processes, long since, TimeSpan bound)
    {
        using var timer = new PeriodicTimer(VeryOften);
        while (processes.Where(IsAlive).ToArray() is { Length: > 0 } left)
        {
            if (TimeProvider.System.GetElapsedTime(since) > bound)
                throw new HarnessException($"alive {bound} after their silo was killed:\n{string.Join('\n', left.AsEnumerable())}");
            await timer.WaitForNextTickAsync();
        }

        return TimeProvider.System.GetElapsedTime(since);
    }

    /// <summary>Waits until nothing of the data directory's builds is alive, whenever it began.</summary>
    public async Task<TimeSpan> AllGone(long since, TimeSpan bound)
    {
        while (Alive() is { Count: > 0 } alive)
            await Gone(alive, since, bound);
        return TimeProvider.System.GetElapsedTime(since);
    }

    public IReadOnlyList<BuildProcess> Alive()
    {
        var found = new List<BuildProcess>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var pid) && Look(pid) is { } process)
                found.Add(process);
        }

        return found;
    }

    private static bool IsAlive(BuildProcess process) => StartOf(process.Pid) == process.Started;

    private BuildProcess? Look(int pid)
    {
        try
        {
            var words = Words($"/proc/{pid}/cmdline");
            var guard = Array.FindIndex(words, word => marks.Contains(word, StringComparer.Ordinal));
            if (guard >= 0 && StartOf(pid) is { } guardStart)
                return Named(pid, guardStart, words, guard + 1 < words.Length ? words[guard + 1] : "");

            var environment = Words($"/proc/{pid}/environ");
            if (!environment.Contains($"{Recipe.Mark}={run}", StringComparer.Ordinal) || StartOf(pid) is not { } started)
                return null;
            return new BuildProcess(pid, started, Value(environment, "JOB_ID"), Value(environment, "JOB_ATTEMPT"), string.Join(' ', words));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It ended while we looked, or is not ours.
            return null;
        }
    }

    /// <summary>What tells the builds of this data directory from those of other tests.</summary>
    public static string RunOf(string data) => Path.GetFileName(data);

    // silo-PID-job-JOB.ATTEMPT-slot-SLOT, and "trial" for the one that only tries the sandbox.
    private static BuildProcess Named(int pid, string started, string[] words, string name)
    {
        var parts = name.Split("-job-") is [_, var rest] ? rest.Split('-')[0].Split('.') : ["", ""];
        return new BuildProcess(pid, started, parts[0], parts[1], string.Join(' ', words));
    }

    private static string[] Words(string file) => Encoding.UTF8.GetString(File.ReadAllBytes(file)).Split('\0');

    private static string Value(string[] environment, string name) =>
        environment.FirstOrDefault(variable => variable.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..] ?? "";

    /// <summary>Null if there is no such process, or only what is left of one until its parent has asked for it.</summary>
    public static string? StartOf(int pid)
    {
        try
        {
            // After the program's name in brackets: state (field 3), …, start time (field 22).
            var fields = File.ReadAllText($"/proc/{pid}/stat").Split(") ")[^1].Split(' ');
            return fields[0] is "Z" or "X" ? null : fields[19];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
