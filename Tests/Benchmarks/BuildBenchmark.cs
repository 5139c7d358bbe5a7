using Builds.Benchmarks.Ceilings;
using Builds.Benchmarks.Measuring;
using Builds.Benchmarks.Silos;
using Builds.Execution;
using Builds.Execution.Sandbox;
using Builds.Workers;

namespace Builds.Benchmarks;

/// <summary>Jobs that run <c>true</c>, from their submission to their end, beside their sandbox alone.</summary>
internal sealed class BuildBenchmark(string name, ExecutionDriver driver) : Benchmark
{
    /// <summary>More than processors, so that one build may wait for the disk while another one computes.</summary>
    private static readonly int Slots = 2 * Environment.ProcessorCount;

    public override string Name => $"builds-{name}";

    public override string Says => $"Real builds of true with driver {name}, beside the bare spawn of their sandbox's command line.";

    public override string? Obstacle => driver == ExecutionDriver.Bubblewrap ? NeedsBubblewrap : null;

    /// <summary>As an <see cref="Benchmark.Obstacle"/>.</summary>
    public static string? NeedsBubblewrap =>
        SandboxTrial.FindBubblewrap() is null ? "bubblewrap is not installed: apt-get install bubblewrap" : null;

    public override async Task Run(Scale scale, string directory, Table table)
    {
        await using var silo = await BenchmarkSilo.Start(directory, Slots, driver);
        var sandboxes = await Sandboxes.Create(silo.Service<BuildExecutor>(), silo.Service<IBootClock>(), Slots);
        var bare = $"{name}: bare spawn of the sandbox";
        var rates = await Load.InTurns(scale,
            span => Load.Run(Slots, span, _ => sandboxes.SpawnOne()),
            span => Load.Run(Slots, span, _ => sandboxes.RunTask()),
            span => Load.Run(2 * Slots, span, async _ => await silo.Ended(await silo.Submit(Manifests.True))));
        table.Add(Row.Of(bare, rates[0]));
        var task = $"{name}: the same, and it runs the task";
        table.Add(Row.Of(task, rates[1]).Under(bare, rates[0]));
        table.Add(Row.Of($"{name}: builds of true, {Slots} slots", rates[2]).Under(bare, rates[0], "≥ 50 %"));
        table.Add(Row.Of($"{name}: builds of true, {Slots} slots", rates[2]).Under(task, rates[1]));
    }
}
