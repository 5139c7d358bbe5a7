using Builds.Benchmarks.Ceilings;
using Builds.Benchmarks.Measuring;
using Builds.Benchmarks.Silos;

namespace Builds.Benchmarks;

/// <summary>Jobs from their submission to their end where building takes no time: what is left is the silo's own work.</summary>
internal sealed class LifecycleBenchmark : Benchmark
{
    private const int Slots = 64, Clients = 64;

    public override string Name => "lifecycles";

    public override string Says => "Lives of jobs with an executor that does nothing, beside one connection that writes once for each.";

    public override async Task Run(Scale scale, string directory, Table table)
    {
        await using var silo = await BenchmarkSilo.Start(directory, Slots, new NullExecutor());
        using var connection = new OneConnection(directory);
        var rates = await Load.InTurns(scale,
            connection.Measure,
            span => Load.Run(Clients, span, async _ => await silo.Ended(await silo.Submit(Manifests.True))));
        table.Add(Row.Of($"lifecycles, null executor, {Slots} slots", rates[1]).Under(OneConnection.Name, rates[0], "≥ 25 %"));
    }
}
