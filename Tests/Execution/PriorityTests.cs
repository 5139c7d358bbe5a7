using System.Globalization;
using Builds.Execution.Sandbox;
using Builds.Support;

namespace Builds.Execution;

/// <summary>Builds give way to the silo: seen by the kernel's own account of real processes.</summary>
public sealed class PriorityTests
{
    /// <summary>On the command line of every guard of <see cref="Job"/>.</summary>
    private const string Mark = "-job-91011.1-slot-";
    private const int Job = 91011;

    public static TheoryData<string, int> Cases => new() { { "Bubblewrap", 10 }, { "Process", 10 }, { "Process", 3 }, { "Bubblewrap", 0 } };

    [BubblewrapTheory]
    [MemberData(nameof(Cases))]
    public async Task Every_process_of_a_build_is_nicer_than_the_silo_and_last_in_line_for_the_disk(string driver, int nice)
    {
        await using var harness = new ExecutorHarness(o => (o.Driver, o.Nice) = (Enum.Parse<ExecutionDriver>(driver), nice));
        var recorder = new FakeRecorder();
        using var kill = new CancellationTokenSource();
        var manifest = ExecutorHarness.Manifest("set +x\nsleep 1000 &\n(sleep 1000 & echo forked; setsid sleep 1000) &\nionice; echo up; wait");
        var build = harness.Executor.Run(ExecutorHarness.Plan(manifest, job: Job), recorder, default, kill.Token);
        try
        {
            await recorder.Until(r => r.Log(0).Contains("up\n", StringComparison.Ordinal) && r.Log(0).Contains("forked\n", StringComparison.Ordinal));

            var guards = Pids().Where(pid => pid != Environment.ProcessId && CommandLine(pid).Contains($"silo-{Environment.ProcessId}{Mark}", StringComparison.Ordinal)).ToHashSet();
            var inside = Pids().Where(pid => Ancestors(pid).Any(guards.Contains)).ToHashSet();
            var niceness = guards.Concat(inside).Select(Nice).Distinct();

            guards.ShouldNotBeEmpty();
            inside.Count.ShouldBeGreaterThan(3, "the shell, the sleeps and what started them");
            niceness.ShouldBe([Math.Min(19, Nice(Environment.ProcessId) + nice)]);
            recorder.Log(0).ShouldContain("best-effort: prio 7\n");
        }
        finally
        {
            await kill.CancelAsync();
            await build;
        }
    }

    [BubblewrapFact]
    public async Task A_build_cannot_take_back_what_it_gave_way()
    {
        await using var harness = new ExecutorHarness(o => o.Driver = ExecutionDriver.Bubblewrap);
        var recorder = new FakeRecorder();

        await harness.Run(ExecutorHarness.Manifest($"set +x\nrenice -n {Nice(Environment.ProcessId)} $$ 2>&1 || echo refused\nnice"), recorder);

        recorder.Log(0).ShouldEndWith(string.Create(CultureInfo.InvariantCulture, $"Permission denied\nrefused\n{Math.Min(19, Nice(Environment.ProcessId) + 10)}\n"));
    }

    [Fact]
    public void A_program_that_is_missing_is_still_told_to_whoever_wanted_it()
    {
        var error = Should.Throw<System.ComponentModel.Win32Exception>(() => Guard.Start("/no/such/program", [], nice: 10));

        error.Message.ShouldStartWith("Cannot start /no/such/program");
    }

    private static IEnumerable<int> Pids() => Directory.EnumerateDirectories("/proc")
        .Select(directory => int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var pid) ? pid : 0).Where(pid => pid > 0);

    private static string CommandLine(int pid) => Read(pid, "cmdline");

    private static IEnumerable<int> Ancestors(int pid)
    {
        for (var i = 0; pid > 1 && i < 64; i++)
            yield return pid = Stat(pid, 4);
    }

    private static int Nice(int pid) => Stat(pid, 19);

    /// <summary>A field of /proc/PID/stat, by its number in proc(5). The second is a name in parentheses and may hold anything.</summary>
    private static int Stat(int pid, int field)
    {
        var text = Read(pid, "stat");
        return text.Length == 0 ? 0 : int.Parse(text[(text.LastIndexOf(')') + 2)..].Split(' ')[field - 3], CultureInfo.InvariantCulture);
    }

    private static string Read(int pid, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/{file}");
        }
        catch (IOException)
        {
            // It has ended since it was listed.
            return "";
        }
    }
}
