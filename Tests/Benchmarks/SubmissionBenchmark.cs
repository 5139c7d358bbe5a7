using Builds.Benchmarks.Ceilings;
using Builds.Benchmarks.Measuring;
using Builds.Benchmarks.Silos;

namespace Builds.Benchmarks;

/// <summary>Jobs that are on disk when their client hears of them. No slot is free, so that they only wait.</summary>
internal sealed class SubmissionBenchmark : Benchmark
{
    public override string Name => "submissions";

    public override string Says => "Durable submissions over HTTP, beside one connection that writes the same.";

    public override async Task Run(Scale scale, string directory, Table table)
    {
        await using var silo = await BenchmarkSilo.Start(directory, slots: 0, new NullExecutor());
        using var connection = new OneConnection(directory);
        var rates = await Load.InTurns(scale,
            connection.Measure,
            span => Load.Run(16, span, _ => silo.Submit(Manifests.True)),
            span => Load.Run(64, span, _ => silo.Submit(Manifests.True)));
        table.Add(Row.Of("submissions, 16 clients", rates[1]).Under(OneConnection.Name, rates[0], "≥ 50 %"));
        table.Add(Row.Of("submissions, 64 clients", rates[2]).Under(OneConnection.Name, rates[0], "≥ 50 %"));
    }
}
