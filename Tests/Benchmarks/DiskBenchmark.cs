using Builds.Benchmarks.Ceilings;
using Builds.Benchmarks.Measuring;

namespace Builds.Benchmarks;

/// <summary>The ceiling of everything that is stored.</summary>
internal sealed class DiskBenchmark : Benchmark
{
    public override string Name => "disk";

    public override string Says => "The ceiling of everything that is stored: the disk's fdatasync.";

    public override async Task Run(Scale scale, string directory, Table table)
    {
        using var disk = new Fdatasync(directory);
        var rates = await Load.InTurns(scale, disk.Measure);
        table.Add(Row.Of(Fdatasync.Name, rates[0]));
    }
}
