using System.Text;
using Builds.Execution.Places;
using Builds.Execution.Sandbox;
using Builds.Manifests;
using Builds.Space;
using Builds.Support;

namespace Builds.Execution.Parking;

/// <summary>Help for tests of what builds leave.</summary>
internal static class Parked
{
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    /// <summary>A script that fails once a process of a token is there, which goes on.</summary>
    public static string Failing(string token) => $"export TREE={token}; sleep 1000 & until read -r name </proc/$!/comm && [ \"$name\" = sleep ]; do :; done; exit 1";

    /// <summary>An executor that parks two environments, unless <paramref name="configure"/> says otherwise.</summary>
    public static ExecutorHarness Harness(Action<ExecutionOptions>? configure = null, TimeProvider? clock = null, IDiskSpace? disks = null) => new(
        options =>
        {
            options.Parked = 2;
            options.Driver = ExecutionDriver.Bubblewrap;
            configure?.Invoke(options);
        }, clock: clock, disks: disks);

    /// <summary>Runs a build that fails, or one with <c>shell: true</c>; its setup log, and what is parked of it.</summary>
    public static async Task<(string Setup, ParkedEnvironment? Environment)> Run(ExecutorHarness harness, int job, string script, int slot = 0, Place place = Place.Host, bool shell = false)
    {
        var recorder = new FakeRecorder();
        var manifest = new BuildManifest
        {
            Image = TestImages.NameOf(place),
            Environment = [new("WORD", new EnvironmentValue.Text("it's"))],
            Tasks = [new BuildTask("one", script)],
            Shell = shell,
        };
        var outcome = await harness.Executor.Run(ExecutorHarness.Plan(manifest, slot, job), recorder, default, default);
        if (shell) outcome.ShouldBeOfType<BuildOutcome.Succeeded>(recorder.Transcript(outcome));
        else outcome.ShouldBeOfType<BuildOutcome.Failed>(recorder.Transcript(outcome));
        return (recorder.Setup, harness.Service<ParkingLot>().Find(new Builds.Jobs.JobId(job)));
    }

    /// <summary>The same, for one that must be parked.</summary>
    public static async Task<ParkedEnvironment> Park(ExecutorHarness harness, int job, string script = "false", bool shell = false)
    {
        var (setup, environment) = await Run(harness, job, script, shell: shell);
        return environment.ShouldNotBeNull(setup);
    }

    /// <summary>Opens a shell that must open.</summary>
    public static ParkedShell Open(this ParkedEnvironment parked, TerminalSize? size = null)
    {
        var (shell, why) = parked.Open(size is null ? null : "dumb", size);
        return shell.ShouldNotBeNull(why);
    }

    /// <summary>Gives a shell commands and the end of them; all that it prints, and how it ended.</summary>
    public static async Task<(string Printed, ShellNews End)> Do(this ParkedShell shell, string commands)
    {
        shell.Write(Encoding.UTF8.GetBytes($"{commands}\n")).ShouldBeTrue();
        shell.Write([]);
        return await shell.Rest();
    }

    /// <summary>What it prints to its end.</summary>
    public static async Task<(string Printed, ShellNews End)> Rest(this ParkedShell shell)
    {
        using var bound = new CancellationTokenSource(Bound);
        var printed = new MemoryStream();
        await foreach (var news in shell.News.WithCancellation(bound.Token))
        {
            if (news is ShellNews.Ended or ShellNews.Lost) return (Encoding.UTF8.GetString(printed.ToArray()), news);
            if (news is not ShellNews.Output(var bytes)) continue;
            printed.Write(bytes.Span);
            shell.Written(bytes.Length);
        }
        throw new InvalidOperationException($"The shell said nothing of its end: {Encoding.UTF8.GetString(printed.ToArray())}");
    }

    /// <summary>Waits until all processes of a token are stopped, and answers how many that are.</summary>
    public static async Task<int> AllStopped(string token)
    {
        using var bound = new CancellationTokenSource(Bound);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (true)
        {
            var states = HostileTree.Alive(token).Select(one => State(one.Split(':')[0])).ToList();
            if (states.TrueForAll(state => state == 'T')) return states.Count;
            (await timer.WaitForNextTickAsync(bound.Token)).ShouldBeTrue();
        }
    }

    /// <summary>Waits until no file and no control group is left of the places of a data directory: a container's go with the next sweep.</summary>
    public static async Task NothingLeft(ExecutorHarness harness)
    {
        using var bound = new CancellationTokenSource(Bound);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (Left(harness).Any())
        {
            bound.IsCancellationRequested.ShouldBeFalse($"left: {string.Join(", ", Left(harness))}");
            await timer.WaitForNextTickAsync();
            await harness.Service<BuildExecutor>().Sweep();
        }
    }

    private static IEnumerable<string> Left(ExecutorHarness harness)
    {
        var name = harness.Service<GuardProgram>().Mark.Replace('=', '-');
        var groups = Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup").Select(mount => Path.Combine(mount, "builds", name)).Where(Directory.Exists);
        return Directory.EnumerateDirectories(Path.Combine(harness.Data, "slots")).SelectMany(Directory.EnumerateFileSystemEntries)
            .Where(path => Path.GetFileName(path) is not ("passwd" or "group")).Concat(groups.SelectMany(Directory.EnumerateDirectories));
    }

    private static char State(string directory)
    {
        try
        {
            return File.ReadAllText($"{directory}/stat").Split(") ")[^1][0];
        }
        catch (IOException)
        {
            // It has ended, which is as good as stopped.
            return 'T';
        }
    }
}
