using System.Collections.Concurrent;
using Builds.Execution;
using Builds.Execution.Sandbox;
using Builds.Jobs;
using Builds.Manifests;
using Builds.Workers;

namespace Builds.Benchmarks.Ceilings;

/// <summary>The sandboxes of a driver by themselves: no job, no queue, no log, no home that comes and goes.</summary>
internal sealed class Sandboxes
{
    private static readonly TimeSpan Lease = TimeSpan.FromHours(1);
    private const string Script = "task";
    private const int Executable = 0b111_101_101;
    private readonly IBootClock boot;
    private readonly ConcurrentBag<Placement> free;
    private readonly string environment, script;

    private Sandboxes(IBootClock boot, IEnumerable<Placement> places, string environment, string script) =>
        (this.boot, free, this.environment, this.script) = (boot, [.. places], environment, script);

    /// <summary>As many as are used at a time, in slots that the worker does not use.</summary>
    public static async Task<Sandboxes> Create(BuildExecutor executor, IBootClock boot, int count)
    {
        const int First = 100;
        var manifest = ((ManifestResult.Accepted)ManifestParser.Parse(Manifests.True)).Manifest;
        var written = (BuildEnvironmentResult.Written)BuildScripts.Environment(manifest, new JobId(1), "http://builds.invalid/1", 1);
        var machine = await executor.Start(CancellationToken.None);
        var places = new List<Placement>();
        for (var number = First; number < First + count; number++)
        {
            places.Add(await machine.Place(number, image: null, machine.Host));
            await places[^1].Workspace.Create();
        }

        return new Sandboxes(boot, places, written.Text, BuildScripts.Task(manifest.Tasks[0]));
    }

    /// <summary>The very command line of a build, whose guard ends at once since its line is closed.</summary>
    public Task SpawnOne() => With((_, program, arguments) => Spawn.Once(program, arguments));

    /// <summary>The same, and the guard runs the task's script before it ends.</summary>
    public Task RunTask() => With(async (place, program, arguments) =>
    {
        await using var guard = Guard.Start(program, arguments, ExecutionOptions.DefaultNice);
        if (!await guard.Hello())
            throw new InvalidOperationException($"The sandbox did not come up: {(await guard.Ended).Words}");
        foreach (var order in new[] { place.FileOrder(".buildenv", environment, Executable), place.FileOrder(Script, script, Executable), place.Order($"./{Script}") })
            if (await guard.Run(order, _ => ValueTask.CompletedTask) is var end and not CommandEnd.Exited(0))
                throw new InvalidOperationException($"In the sandbox, {order.Arguments[0]} ended with {end}.");
    });

    private async Task With(Func<Placement, string, IReadOnlyList<string>, Task> use)
    {
        if (!free.TryTake(out var place))
            throw new InvalidOperationException("More sandboxes are used at a time than there are.");
        var (program, arguments) = place.Command(boot.Now + Lease, "benchmark");
        await use(place, program, arguments);
        free.Add(place);
    }
}
