using System.Collections.Concurrent;
using Builds.Execution;
using Builds.Execution.Sandbox;
using Builds.Execution.Slots;
using Builds.Jobs;
using Builds.Manifests;
using Builds.Workers;

namespace Builds.Benchmarks.Ceilings;

/// <summary>The sandboxes of a driver by themselves: no job, no queue, no log, no home that comes and goes.</summary>
internal sealed class Sandboxes
{
    private static readonly TimeSpan Lease = TimeSpan.FromHours(1);
    private const string Script = "task";
    private readonly ISandboxDriver driver;
    private readonly IBootClock boot;
    private readonly ConcurrentBag<Slot> free;

    private Sandboxes(ISandboxDriver driver, IBootClock boot, IEnumerable<Slot> slots) => (this.driver, this.boot, free) = (driver, boot, [.. slots]);

    /// <summary>As many as are used at a time, in slots that the worker does not use.</summary>
    public static async Task<Sandboxes> Create(BuildExecutor executor, GuardProgram program, IBootClock boot, int count)
    {
        const int First = 100;
        var manifest = ((ManifestResult.Accepted)ManifestParser.Parse(Manifests.True)).Manifest;
        var environment = (BuildEnvironmentResult.Written)BuildScripts.Environment(manifest, new JobId(1), "http://builds.invalid/1", 1);
        var chosen = await executor.Start(CancellationToken.None);
        var slots = Enumerable.Range(First, count).Select(number => executor.MakeSlot(chosen, number)).ToList();
        foreach (var slot in slots)
        {
            var workspace = new Workspace(slot, program);
            await workspace.Create();
            workspace.AddScript(".buildenv", environment.Text);
            workspace.AddScript(Script, BuildScripts.Task(manifest.Tasks[0]));
        }

        return new Sandboxes(chosen, boot, slots);
    }

    /// <summary>The very command line of a build, whose guard ends at once since its line is closed.</summary>
    public Task SpawnOne() => With((_, program, arguments) => Spawn.Once(program, arguments));

    /// <summary>The same, and the guard runs the task's script before it ends.</summary>
    public Task RunTask() => With(async (slot, program, arguments) =>
    {
        await using var guard = Guard.Start(program, arguments, ExecutionOptions.DefaultNice);
        if (!await guard.Hello())
            throw new InvalidOperationException($"The sandbox did not come up: {(await guard.Ended).Words}");
        var order = new GuardOrder
        {
            Arguments = [$"./{Script}"],
            Directory = driver.HomeInside(slot),
            Environment = BuildEnvironment.Of(driver.HomeInside(slot), driver.ToolsInside),
        };
        var end = await guard.Run(order, _ => ValueTask.CompletedTask);
        if (end is not CommandEnd.Exited(0))
            throw new InvalidOperationException($"In the sandbox, the task ended with {end}.");
    });

    private async Task With(Func<Slot, string, IReadOnlyList<string>, Task> use)
    {
        if (!free.TryTake(out var slot))
            throw new InvalidOperationException("More sandboxes are used at a time than there are.");
        var (program, arguments) = driver.Command(slot, boot.Now + Lease, "benchmark");
        await use(slot, program, arguments);
        free.Add(slot);
    }
}
