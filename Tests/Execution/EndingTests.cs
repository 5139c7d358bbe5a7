using Builds.Execution.Sandbox;
using Builds.Execution.Slots;
using Builds.Support;
using Microsoft.Extensions.Options;
using Xunit.Abstractions;

namespace Builds.Execution;

/// <summary>However a build ends, none of its processes lives on: over 300 hostile trees in all.</summary>
public sealed class EndingTests(ITestOutputHelper output)
{
    private const int AtOnce = 21;
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    [BubblewrapTheory]
    [InlineData(ExecutionDriver.Bubblewrap, 3)]
    [InlineData(ExecutionDriver.Process, 1)]
    public async Task Cancel_leaves_no_descendant_alive(ExecutionDriver driver, int rounds)
    {
        await using var harness = new ExecutorHarness(o => (o.Driver, o.Grace) = (driver, TimeSpan.FromMilliseconds(200)));
        for (var round = 0; round < rounds; round++)
            await EndOfBuilds(harness, ready: true, (stop, _) => stop.CancelAsync());
    }

    [BubblewrapTheory]
    [InlineData(ExecutionDriver.Bubblewrap, 3)]
    [InlineData(ExecutionDriver.Process, 1)]
    public async Task Kill_leaves_no_descendant_alive(ExecutionDriver driver, int rounds)
    {
        await using var harness = new ExecutorHarness(o => o.Driver = driver);
        for (var round = 0; round < rounds; round++)
            await EndOfBuilds(harness, ready: true, (_, kill) => kill.CancelAsync());
    }

    [BubblewrapTheory]
    [InlineData(ExecutionDriver.Bubblewrap)]
    [InlineData(ExecutionDriver.Process)]
    public async Task Kill_while_the_tree_still_grows_leaves_no_descendant_alive(ExecutionDriver driver)
    {
        await using var harness = new ExecutorHarness(o => o.Driver = driver);
        await EndOfBuilds(harness, ready: false, (_, kill) => kill.CancelAsync());
    }

    [RootFact]
    public async Task Plain_processes_of_a_user_of_their_own_end_too()
    {
        await using var harness = new ExecutorHarness(o => o.Driver = ExecutionDriver.Process);
        // Without a mount of its own a build reaches its home only through directories that are open to all.
        File.SetUnixFileMode(harness.Data, (UnixFileMode)0b111_101_101);
        var recorder = new FakeRecorder();
        await harness.Run(ExecutorHarness.Manifest("id -u"), recorder, slot: 1);
        recorder.Log(0).ShouldStartWith($"+ id -u\n{ExecutionOptions.DefaultFirstUser / 100}");

        await EndOfBuilds(harness, ready: true, (_, kill) => kill.CancelAsync());
    }

    [BubblewrapFact]
    public async Task Guards_of_the_same_name_and_another_data_directory_are_left_alone()
    {
        await using ExecutorHarness one = new(o => o.Driver = ExecutionDriver.Bubblewrap), other = new(o => o.Driver = ExecutionDriver.Bubblewrap);
        using var stop = new CancellationTokenSource();
        var (recorder, manifest) = (new FakeRecorder(), ExecutorHarness.Manifest("trap 'echo told; exit' TERM; echo up; sleep 1000 & wait"));
        var build = one.Run(manifest, recorder, stop: stop.Token);
        await recorder.Until(r => r.Log(0).Contains("\nup\n", StringComparison.Ordinal));

        other.Service<Leftovers>().KillGuards(BuildRun.GuardName(ExecutorHarness.Plan(manifest), number: 0));

        await stop.CancelAsync();
        (await build).ShouldBeOfType<BuildOutcome.Stopped>();
        recorder.Log(0).ShouldContain("\ntold\n");
    }

    private static async Task EndOfBuilds(ExecutorHarness harness, bool ready, Func<CancellationTokenSource, CancellationTokenSource, Task> end)
    {
        var token = Guid.NewGuid().ToString("N");
        using var stop = new CancellationTokenSource();
        using var kill = new CancellationTokenSource();
        var trees = Enumerable.Range(0, AtOnce).Select(slot => HostileTree.Start(harness, slot, token, stop.Token, kill.Token)).ToArray();
        if (ready)
        {
            foreach (var tree in trees) await tree.Ready;
            HostileTree.Alive(token).Count.ShouldBeGreaterThan(AtOnce);
        }
        else
        {
            await trees[0].Ready;
        }

        await end(stop, kill);

        foreach (var tree in trees) (await tree.Outcome).ShouldBeOfType<BuildOutcome.Stopped>();
        HostileTree.Alive(token).ShouldBeEmpty();
    }

    [BubblewrapFact]
    public Task Kill_9_of_the_silo_leaves_no_descendant_alive() => EndOfSilo(ExecutionDriver.Bubblewrap, freeze: false);

    [BubblewrapFact]
    public Task A_frozen_silo_leaves_no_descendant_alive_once_its_lease_is_over() => EndOfSilo(ExecutionDriver.Bubblewrap, freeze: true);

    [BubblewrapFact]
    public Task A_frozen_silo_leaves_no_plain_process_alive_either() => EndOfSilo(ExecutionDriver.Process, freeze: true);

    [BubblewrapFact]
    public Task Kill_9_of_the_silo_ends_plain_processes_too() => EndOfSilo(ExecutionDriver.Process, freeze: false);

    private async Task EndOfSilo(ExecutionDriver driver, bool freeze)
    {
        var lease = TimeSpan.FromSeconds(3);
        var token = Guid.NewGuid().ToString("N");
        var data = Directory.CreateTempSubdirectory("builds-test-").FullName;
        var mark = new GuardProgram(Options.Create(new ExecutionOptions { DataDirectory = data })).Mark;
        try
        {
            await using var silo = TestProgram.Start(null, "executor", "trees", data, driver.ToString(), $"{lease.TotalSeconds}", $"{AtOnce}", token);
            (await silo.Line()).ShouldBe("up");
            HostileTree.Alive(token).Count.ShouldBeGreaterThan(AtOnce);

            if (freeze) Native.Libc.SendSignal(silo.Id, 19).ShouldBe(0);
            else silo.Kill();

            // The bwrap of a frozen silo stays, as a zombie that nobody reaps; zombies have no environment and no command line.
            output.WriteLine($"all gone after {(await HostileTree.Gone(token, mark, lease + Margin)).TotalMilliseconds} ms");
            if (freeze) silo.Kill();
            await using var next = new ExecutorHarness(o => o.Driver = driver, data);
            (await next.Run(ExecutorHarness.Manifest("ls"), new FakeRecorder())).ShouldBeOfType<BuildOutcome.Succeeded>();
            Directory.EnumerateDirectories(data, "home", SearchOption.AllDirectories).ShouldBeEmpty();
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }
}
