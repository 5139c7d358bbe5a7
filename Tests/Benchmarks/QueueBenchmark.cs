using System.Globalization;
using Builds.Benchmarks.Ceilings;
using Builds.Benchmarks.Measuring;

namespace Builds.Benchmarks;

/// <summary>The queue's own bookkeeping, without grains, network and database.</summary>
internal sealed class QueueBenchmark : Benchmark
{
    public override string Name => "queue";

    public override string Says => "What the queue does in memory for each job, with very many waiting, beside the same with none.";

    public override async Task Run(Scale scale, string directory, Table table)
    {
        foreach (var owners in new[] { 1, 100 })
        {
            var (empty, deep) = (new Book(0, owners), new Book(scale.Queued, owners));
            var rates = await Load.InTurns(scale, empty.Measure, deep.Measure);
            var whose = owners == 1 ? "one owner" : string.Create(CultureInfo.InvariantCulture, $"{owners} owners");
            var alone = $"queue's book, {whose}, none waits";
            table.Add(Row.Of(alone, rates[0]));
            table.Add(Row.Of(string.Create(CultureInfo.InvariantCulture, $"queue's book, {whose}, {scale.Queued:N0} wait"), rates[1]).Under(alone, rates[0], "≥ 80 %"));
        }
    }
}
