using System.Diagnostics;
using System.Globalization;
using Builds.Benchmarks.Measuring;
using Builds.Benchmarks.Silos;
using Builds.Jobs;
using Builds.Storage;
using Builds.Support;
using Npgsql;

namespace Builds.Benchmarks;

/// <summary>One page of a list of very many jobs, its total included.</summary>
internal sealed class CatalogueBenchmark : Benchmark
{
    private const int PageSize = 50;

    public override string Name => "catalogue";

    public override string Says => "A page of a list of a million jobs over HTTP, with its total, beside the bare indexed query for its rows.";

    public override string? Obstacle => ClusterBenchmark.NeedsPostgres;

    public override async Task Run(Scale scale, string directory, Table table)
    {
        await using var server = await PostgresServer.Start();
        await using var cluster = await BenchmarkCluster.Create(server, directory);
        await cluster.Add(slots: 0);
        await cluster.PutMany(Ended(), scale.Catalogue);
        await using var connection = cluster.Database;
        await connection.OpenAsync();
        await using var page = new NpgsqlCommand(PostgresCatalogue.PageSql, connection);
        page.Parameters.AddWithValue("owner", "admin");
        var start = page.Parameters.Add("start", NpgsqlTypes.NpgsqlDbType.Integer);
        page.Parameters.AddWithValue("limit", PageSize + 1);
        await using var count = new NpgsqlCommand("SELECT count(*) FROM storage WHERE state = 'job' AND owner = 'admin'", connection);
        // The same pages for both.
        var (bare, doors) = (new Random(1), new Random(1));
        // Longer than elsewhere: of few samples the 99th percentile is the worst one.
        var rates = await Load.InTurns(scale with { Turn = 3 * scale.Turn },
            span => Load.Run(1, span, async _ =>
            {
                start.Value = Somewhere(bare);
                await using var reader = await page.ExecuteReaderAsync();
                while (await reader.ReadAsync())
                    await reader.GetFieldValueAsync<byte[]>(0);
            }),
            span => Load.Run(1, span, async _ =>
            {
                using var answer = await cluster.First.Client.GetAsync($"/api/jobs?start={Somewhere(doors)}");
                answer.EnsureSuccessStatusCode();
                await answer.Content.ReadAsByteArrayAsync();
            }));
        var (begin, counted) = (Stopwatch.GetTimestamp(), await count.ExecuteScalarAsync());
        var counting = Stopwatch.GetElapsedTime(begin);
        var jobs = string.Create(CultureInfo.InvariantCulture, $"{counted:N0} jobs");
        var ceiling = $"indexed query for a page, {jobs}";
        table.Add(Row.Of(ceiling, rates[0]));
        table.Add(Row.Of($"list page over HTTP, with total, {jobs}", rates[1]).Under(ceiling, rates[0]));
        var (p99, itself) = (rates[1].Samples.Percentile(0.99)!.Value, rates[0].Samples.Percentile(0.99)!.Value);
        table.Add("list page over HTTP, with total: p99", Milliseconds(p99), "p99 of the indexed query", Milliseconds(itself), string.Create(CultureInfo.InvariantCulture, $"{p99 / itself:N1} x"), "≤ 5 x");
        table.Add("to count them instead", Milliseconds(counting), "p99 of the indexed query", Milliseconds(itself), string.Create(CultureInfo.InvariantCulture, $"{counting / itself:N0} x"));

        int Somewhere(Random random) => BenchmarkCluster.FirstOfMany + random.Next(scale.Catalogue);
    }

    private static JobState Ended()
    {
        var then = TimeProvider.System.GetUtcNow() - TimeSpan.FromHours(1);
        var job = JobDecisions.Submit(new JobId(0), new JobSubmission { Owner = "admin", Manifest = Manifests.True }, "host", [Manifests.Task], then);
        return job with { Status = JobStatus.Success, Attempt = 1, Updated = then, Tasks = [.. job.Tasks.Select(task => task with { Status = BuildTaskStatus.Success })] };
    }

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:N2} ms");
}
