using System.Collections.Concurrent;
using Builds.Execution;
using Builds.Execution.Sandbox;
using Builds.Execution.Slots;
using Builds.Workers;

namespace Builds.Benchmarks.Ceilings;

/// <summary>The sandboxes of a driver by themselves: no job, no queue, no log, no file of a build.</summary>
internal sealed class Sandboxes
{
    private static readonly TimeSpan Lease = TimeSpan.FromHours(1);
    private readonly ISandboxDriver driver;
    private readonly IBootClock boot;
    private readonly ConcurrentBag<Slot> free;

    private Sandboxes(ISandboxDriver driver, IBootClock boot, IEnumerable<Slot> slots) => (this.driver, this.boot, free) = (driver, boot, [.. slots]);

    /// <summary>As many as are used at a time, in slots that the worker does not use.</summary>
    public static async Task<Sandboxes> Create(BuildExecutor executor, GuardProgram program, IBootClock boot, int count)
    {
        const int First = 100;
        var chosen = await executor.Start(CancellationToken.None);
        var slots = Enumerable.Range(First, count).Select(number => executor.MakeSlot(chosen, number)).ToList();
        foreach (var slot in slots)
            await new Workspace(slot, program).Create();
        return new Sandboxes(chosen, boot, slots);
    }

    /// <summary>The very command line of a build, whose guard ends at once since its line is closed.</summary>
    public Task SpawnOne() => With((program, arguments) => Spawn.Once(program, arguments));

    /// <summary>The same, and the guard runs <c>true</c> before it ends.</summary>
    public Task RunTrue() => With(async (program, arguments) =>
    {
        await using var guard = Guard.Start(program, arguments);
        if (!await guard.Hello())
            throw new InvalidOperationException($"The sandbox did not come up: {(await guard.Ended).Words}");
        var end = await guard.Run(new GuardOrder { Arguments = ["/bin/true"], Directory = "/", Environment = [] }, _ => ValueTask.CompletedTask);
        if (end is not CommandEnd.Exited(0))
            throw new InvalidOperationException($"In the sandbox, true ended with {end}.");
    });

    private async Task With(Func<string, IReadOnlyList<string>, Task> use)
    {
        if (!free.TryTake(out var slot))
            throw new InvalidOperationException("More sandboxes are used at a time than there are.");
        var (program, arguments) = driver.Command(slot, boot.Now + Lease, "benchmark");
        await use(program, arguments);
        free.Add(slot);
    }
}
