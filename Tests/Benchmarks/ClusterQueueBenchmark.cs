using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Builds.Benchmarks.Measuring;
using Builds.Benchmarks.Silos;
using Builds.Jobs;
using Builds.Queue;
using Builds.Storage;
using Builds.Support;
using Npgsql;

namespace Builds.Benchmarks;

/// <summary>What it costs that very many jobs wait: memory, the start of the silo that has the queue, and what goes through it.</summary>
internal sealed class ClusterQueueBenchmark : Benchmark
{
    private const int Slots = 64, Clients = 64, Page = 1000;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5), Bound = TimeSpan.FromMinutes(3);

    public override string Name => "cluster-queue";

    public override string Says => "A silo with very many jobs waiting beside one with none: memory, start and rebuild of the queue, jobs given out.";

    public override string? Obstacle => ClusterBenchmark.NeedsPostgres;

    public override async Task Run(Scale scale, string directory, Table table)
    {
        await using var server = await PostgresServer.Start();
        await using var empty = await BenchmarkCluster.Create(server, Path.Combine(directory, "empty"), gated: true);
        await using var deep = await BenchmarkCluster.Create(server, Path.Combine(directory, "deep"), gated: true);
        await empty.Add(slots: 0);
        await deep.Add(slots: 0);
        await deep.PutMany(Manifests.Submitted(TimeProvider.System.GetUtcNow() - TimeSpan.FromHours(1)), scale.Queued);
        // The model of all those waits as well.
        var (waiting, many) = (scale.Queued + 1, string.Create(CultureInfo.InvariantCulture, $"{scale.Queued:N0} queued"));
        await empty.KillFirst();
        await deep.KillFirst();

        var readAlone = await ReadAll(deep, waiting);
        var (startEmpty, _) = await Start(empty, 0, () => Task.FromResult(true));
        var (startDeep, rebuilt) = await Start(deep, 0, async () => await deep.First.Queued() >= waiting);
        table.Add("start of a silo, until it takes requests", Seconds(startEmpty));
        table.Add($"the same, {many}", Seconds(startDeep), "none queued", Seconds(startEmpty), Ratio(startDeep / startEmpty));
        table.Add($"queue rebuilt after SIGKILL, {many}", Seconds(rebuilt - startDeep), "one connection reads the rows", Seconds(readAlone), Ratio((rebuilt - startDeep) / readAlone));

        var (heapEmpty, heapDeep) = (await empty.First.Heap(), await deep.First.Heap());
        var bytes = (double)(heapDeep - heapEmpty) / waiting;
        table.Add($"memory for each queued job, {many}", Bytes(bytes), "its facts, bare", Bytes(Unsafe.SizeOf<QueuedFacts>()), Ratio(bytes / Unsafe.SizeOf<QueuedFacts>()));

        await empty.KillFirst();
        await deep.KillFirst();
        // Everything that waits in one line: a job's id is its place.
        var line = new ConcurrentQueue<JobId>(Enumerable.Range(BenchmarkCluster.FirstOfMany - 1, waiting).Select(id => new JobId(id)));
        var (_, firstEmpty) = await Start(empty, Slots, async () => await Through(empty, await empty.Submit()));
        var (_, firstDeep) = await Start(deep, Slots, async () => line.TryDequeue(out var first) && await Through(deep, first));
        table.Add("killed silo starts, to the end of its first job", Seconds(firstEmpty));
        table.Add($"the same, {many}", Seconds(firstDeep), "none queued", Seconds(firstEmpty), Ratio(firstDeep / firstEmpty));

        var noLine = new ConcurrentQueue<JobId>();
        var rates = await Load.InTurns(scale, span => Load.Run(Clients, span, _ => OneInOneOut(empty, noLine)), span => Load.Run(Clients, span, _ => OneInOneOut(deep, line)));
        const string None = "one job in, one job through, none queued";
        table.Add(Row.Of(None, rates[0]));
        table.Add(Row.Of($"one job in, one job through, {many}", rates[1]).Under(None, rates[0], "≥ 80 %"));
    }

    /// <summary>Submits a job and waits for the one whose turn it is: itself where nothing waits, else one that was submitted long ago.</summary>
    private static async Task OneInOneOut(BenchmarkCluster cluster, ConcurrentQueue<JobId> line)
    {
        line.Enqueue(await cluster.Submit());
        if (!line.TryDequeue(out var next))
            throw new InvalidOperationException("Somebody took more jobs out than were put in.");
        await Through(cluster, next);
    }

    /// <summary>Lets a job through and waits for its end.</summary>
    private static async Task<bool> Through(BenchmarkCluster cluster, JobId job)
    {
        await cluster.First.Open(job);
        await cluster.Ended(job);
        return true;
    }

    /// <summary>Starts a killed silo again; how long until it took requests, and until something came true.</summary>
    private static async Task<(TimeSpan Started, TimeSpan Reached)> Start(BenchmarkCluster cluster, int slots, Func<Task<bool>> reached)
    {
        var begin = Stopwatch.GetTimestamp();
        await cluster.Add(slots);
        var started = Stopwatch.GetElapsedTime(begin);
        while (!await reached())
        {
            if (Stopwatch.GetElapsedTime(begin) > Bound)
                throw new TimeoutException($"A silo is not where it should be {Bound} after its start.");
            await Task.Delay(Pause);
        }

        return (started, Stopwatch.GetElapsedTime(begin));
    }

    /// <summary>How long it takes to read what a queue reads, in the same pages, and to do nothing with it.</summary>
    private static async Task<TimeSpan> ReadAll(BenchmarkCluster cluster, int jobs)
    {
        await using var connection = cluster.Database;
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(PostgresCatalogue.OpenSql, connection);
        command.Parameters.AddWithValue("pool", Placement.DefaultPool);
        var after = command.Parameters.AddWithValue("after", 0);
        command.Parameters.AddWithValue("limit", Page);
        var (begin, read) = (Stopwatch.GetTimestamp(), 0);
        int rows;
        do
        {
            rows = 0;
            await using var reader = await command.ExecuteReaderAsync();
            for (; await reader.ReadAsync(); rows++)
                after.Value = CatalogueRows.Open(reader).Id.Value;
            read += rows;
        }
        while (rows == Page);
        return read == jobs ? Stopwatch.GetElapsedTime(begin) : throw new InvalidOperationException($"{read} jobs are queued, not {jobs}.");
    }

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:N2} s");

    private static string Bytes(double bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes:N0} B");

    private static string Ratio(double ratio) => string.Create(CultureInfo.InvariantCulture, $"{ratio:N1} x");
}
