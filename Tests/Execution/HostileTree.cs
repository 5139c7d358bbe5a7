using System.Globalization;
using System.Text;
using Builds.Support;

namespace Builds.Execution;

/// <summary>A build that does what it can to leave a process behind. All its processes have <c>TREE=token</c> in their environment.</summary>
internal sealed class HostileTree
{
    private static readonly string[] Kinds =
    [
        // Double fork: the middle process is gone at once.
        "( ( sleep 1000 & ) & ); ( ( bash -c \"sleep 1000; :\" & ) & ); echo ready; sleep 1000",
        // Sessions of their own.
        "setsid sleep 1000 & setsid setsid bash -c \"setsid sleep 1000; :\" & echo ready; sleep 1000",
        // Ignored signals, which are inherited.
        "trap \"\" TERM HUP INT USR1; ( while :; do sleep 1000; done ) & ( ( while :; do sleep 1000; done & ) & ); echo ready; while :; do sleep 1000; done",
        // Fork while being killed: on TERM more come, and a chain of short lives runs all the time.
        "chain() { sleep 0.02; ( chain & ); }; more() { for i in 1 2 3 4 5; do ( setsid sleep 1000 & ); done; }; trap more TERM; chain; ( trap more TERM; while :; do sleep 1; done ) & echo ready; while :; do sleep 1; done",
        // Daemons without any descriptor, so that no pipe tells of them.
        "close=\"exec 0<&- 1>&- 2>&-; sleep 1000; :\"; setsid bash -c \"$close\" & ( bash -c \"$close\" & ); echo ready; exec sleep 1000 0<&- 1>&- 2>&-",
        // The wish to live when the parent dies, and stopped processes, which hear no signal but one.
        "setpriv --pdeathsig clear bash -c \"setpriv --pdeathsig CONT sleep 1000 & sleep 1000 & :\" & ( sleep 1000 & kill -STOP $! & ); echo ready; kill -STOP $$; sleep 1000",
        // A reaper of its own, whose orphans nobody outside gets to see.
        $"{TestProgram.Dotnet} {Path.Combine(AppContext.BaseDirectory, "dummy.dll")} adopt bash -c \"( ( setsid sleep 1000 & ) & ); ( sleep 1000 & ); echo ready; sleep 1000\"",
    ];

    public required Task Ready { get; init; }
    public required Task<BuildOutcome> Outcome { get; init; }

    public static HostileTree Start(ExecutorHarness harness, int slot, string token, CancellationToken stop = default, CancellationToken kill = default)
    {
        var recorder = new FakeRecorder();
        var script = $"exec env TREE={token} bash -c '{Kinds[slot % Kinds.Length]}'";
        var outcome = harness.Run(ExecutorHarness.Manifest(script), recorder, slot, stop, kill);
        var ready = recorder.Until(r => r.Log(0).Contains("\nready\n", StringComparison.Ordinal));
        return new HostileTree { Ready = Task.WhenAny(ready, outcome).Unwrap(), Outcome = outcome };
    }

    /// <summary>The processes of this machine that belong to trees of a token, or guard builds of a data directory.</summary>
    public static IReadOnlyList<string> Alive(string token, string? mark = null)
    {
        var found = new List<string>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out _)) continue;
            try
            {
                var command = Encoding.UTF8.GetString(File.ReadAllBytes($"{directory}/cmdline")).Replace('\0', ' ');
                var environment = Encoding.UTF8.GetString(File.ReadAllBytes($"{directory}/environ")).Split('\0');
                if (environment.Contains($"TREE={token}") || (mark is not null && command.Contains(mark, StringComparison.Ordinal)))
                    found.Add($"{directory}: {command}");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended while we looked, or is not ours.
            }
        }
        return found;
    }

    /// <summary>Waits until none is alive; answers how long that took.</summary>
    public static async Task<TimeSpan> Gone(string token, string? mark, TimeSpan bound)
    {
        var since = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (Alive(token, mark) is { Count: > 0 } alive)
        {
            if (TimeProvider.System.GetElapsedTime(since) > bound) throw new TimeoutException($"Alive after {bound}:\n{string.Join('\n', alive)}");
            await timer.WaitForNextTickAsync();
        }
        return TimeProvider.System.GetElapsedTime(since);
    }
}
