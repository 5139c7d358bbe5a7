using Builds.Benchmarks.Ceilings;
using Builds.Benchmarks.Measuring;

namespace Builds.Benchmarks;

/// <summary>The ceiling of everything that runs.</summary>
internal sealed class SpawnBenchmark : Benchmark
{
    public override string Name => "spawn";

    public override string Says => "The ceiling of processes: the bare spawn of true.";

    public override async Task Run(Scale scale, string directory, Table table)
    {
        var clients = Environment.ProcessorCount;
        var rates = await Load.InTurns(scale,
            span => Load.Run(1, span, _ => Spawn.Once("/bin/true", [])),
            span => Load.Run(clients, span, _ => Spawn.Once("/bin/true", [])));
        table.Add(Row.Of("bare posix_spawn of true, one at a time", rates[0]));
        table.Add(Row.Of($"bare posix_spawn of true, {clients} at a time", rates[1]));
    }
}
