using Builds.Benchmarks.Ceilings;
using Builds.Benchmarks.Measuring;

namespace Builds.Benchmarks;

/// <summary>The ceilings of everything that is stored, and how they stand to each other.</summary>
internal sealed class DiskBenchmark : Benchmark
{
    public override string Name => "disk";

    public override string Says => "The ceilings: the disk's fdatasync, and the product's own write on one connection.";

    public override async Task Run(Scale scale, string directory, Table table)
    {
        using var disk = new Fdatasync(directory);
        using var connection = new OneConnection(directory);
        var rates = await Load.InTurns(scale, disk.Measure, connection.Measure);
        table.Add(Row.Of(Fdatasync.Name, rates[0]));
        table.Add(Row.Of(OneConnection.Name, rates[1]).Under(Fdatasync.Name, rates[0]));
    }
}
