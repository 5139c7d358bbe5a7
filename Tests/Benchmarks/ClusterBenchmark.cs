using System.Globalization;
using Builds.Benchmarks.Ceilings;
using Builds.Benchmarks.Measuring;
using Builds.Benchmarks.Silos;
using Builds.Support;

namespace Builds.Benchmarks;

/// <summary>Submissions and lives of jobs on one, two and three silos, each a process of its own, all on this machine with their database.</summary>
internal sealed class ClusterBenchmark : Benchmark
{
    private const int Slots = 64, Clients = 64, Most = 3;

    public override string Name => "cluster";

    public override string Says => "Submissions and lives of jobs over HTTP on 1, 2 and 3 silo processes, beside pgbench of the same writes.";

    public override string? Obstacle => NeedsPostgres;

    /// <summary>As an <see cref="Benchmark.Obstacle"/>.</summary>
    public static string? NeedsPostgres => PostgresServer.Programs is { } && File.Exists(Pgbench.Program) ? null : "PostgreSQL and its pgbench are not installed: apt-get install postgresql";

    public override async Task Run(Scale scale, string directory, Table table)
    {
        await using var server = await PostgresServer.Start();
        await using var cluster = await BenchmarkCluster.Create(server, directory);
        var pgbench = await Pgbench.Create(server, directory);
        for (var silos = 1; silos <= Most; silos++)
        {
            await cluster.Add(Slots);
            var connections = silos * BenchmarkCluster.Connections;
            var rates = await Load.InTurns(scale,
                span => pgbench.Inserts(connections, span),
                span => Load.Run(Clients, span, _ => cluster.SubmitWaiting()),
                span => pgbench.Lives(connections, span),
                span => Load.Run(Clients, span, async _ => await cluster.Ended(await cluster.Submit())));
            var whose = silos == 1 ? "1 silo" : string.Create(CultureInfo.InvariantCulture, $"{silos} silos");
            var ceiling = string.Create(CultureInfo.InvariantCulture, $"pgbench: 1 write, {connections} connections");
            table.Add(Row.Of(ceiling, rates[0]));
            table.Add(Row.Of($"{whose}: submissions, {Clients} clients", rates[1]).Under(ceiling, rates[0]));
            ceiling = string.Create(CultureInfo.InvariantCulture, $"pgbench: 3 writes, {connections} connections");
            table.Add(Row.Of(ceiling, rates[2]));
            table.Add(Row.Of($"{whose}: lifecycles, null executor, {Slots} slots each", rates[3]).Under(ceiling, rates[2]));
        }
    }
}
