using Builds.Execution.Sandbox;
using Builds.Support;
using Microsoft.Extensions.Options;
using Xunit.Abstractions;

namespace Builds.Execution;

/// <summary>However a build ends, none of its processes lives on: 200 hostile trees in all.</summary>
public sealed class EndingTests(ITestOutputHelper output)
{
    private const int AtOnce = 20;
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    [BubblewrapFact]
    public async Task Cancel_leaves_no_descendant_alive()
    {
        var token = Guid.NewGuid().ToString("N");
        await using var harness = new ExecutorHarness(o => (o.Driver, o.Grace) = (ExecutionDriver.Bubblewrap, TimeSpan.FromMilliseconds(200)));

        for (var round = 0; round < 3; round++)
        {
            using var stop = new CancellationTokenSource();
            var trees = Enumerable.Range(0, AtOnce).Select(slot => HostileTree.Start(harness, slot, token, stop: stop.Token)).ToArray();
            foreach (var tree in trees) await tree.Ready;
            HostileTree.Alive(token).Count.ShouldBeGreaterThan(AtOnce);

            await stop.CancelAsync();

            foreach (var tree in trees) (await tree.Outcome).ShouldBeOfType<BuildOutcome.Stopped>();
            HostileTree.Alive(token).ShouldBeEmpty();
        }
    }

    [BubblewrapFact]
    public async Task Kill_leaves_no_descendant_alive()
    {
        var token = Guid.NewGuid().ToString("N");
        await using var harness = new ExecutorHarness(o => o.Driver = ExecutionDriver.Bubblewrap);

        for (var round = 0; round < 3; round++)
        {
            using var kill = new CancellationTokenSource();
            var trees = Enumerable.Range(0, AtOnce).Select(slot => HostileTree.Start(harness, slot, token, kill: kill.Token)).ToArray();
            foreach (var tree in trees) await tree.Ready;

            await kill.CancelAsync();

            foreach (var tree in trees) (await tree.Outcome).ShouldBeOfType<BuildOutcome.Stopped>();
            HostileTree.Alive(token).ShouldBeEmpty();
        }
    }

    [BubblewrapFact]
    public async Task Plain_processes_end_too()
    {
        var token = Guid.NewGuid().ToString("N");
        await using var harness = new ExecutorHarness(o => o.Driver = ExecutionDriver.Process);
        using var kill = new CancellationTokenSource();
        var trees = Enumerable.Range(0, AtOnce).Select(slot => HostileTree.Start(harness, slot, token, kill: kill.Token)).ToArray();
        foreach (var tree in trees) await tree.Ready;

        await kill.CancelAsync();

        foreach (var tree in trees) (await tree.Outcome).ShouldBeOfType<BuildOutcome.Stopped>();
        HostileTree.Alive(token).ShouldBeEmpty();
    }

    [BubblewrapFact]
    public Task Kill_9_of_the_silo_leaves_no_descendant_alive() => EndOfSilo(ExecutionDriver.Bubblewrap, freeze: false);

    [BubblewrapFact]
    public Task A_frozen_silo_leaves_no_descendant_alive_once_its_lease_is_over() => EndOfSilo(ExecutionDriver.Bubblewrap, freeze: true);

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
