using System.Diagnostics;
using System.Globalization;
using Builds.Jobs;
using Builds.Storage;
using Builds.Support;
using Npgsql;

namespace Builds.Tests.Storage;

/// <summary>
/// <c>list ROWS PAGES</c>: fills a PostgreSQL server of its own with so many jobs, nine tenths of one owner, and measures a page of a list
/// with its total, at random places, in turns with the bare query for the same rows and with a full count.
/// </summary>
internal static class ListProgram
{
    private const int Limit = 50;

    public static async Task<int> Run(string[] arguments)
    {
        var (rows, pages) = (int.Parse(arguments[0], CultureInfo.InvariantCulture), int.Parse(arguments[1], CultureInfo.InvariantCulture));
        await using var server = await PostgresServer.Start("shared_buffers = 512MB");
        await using var database = await PostgresTestDatabase.Create(server);
        await PostgresSchema.Upgrade(database.ConnectionString);
        await Fill(database, rows);
        await using var postgres = new PostgresDatabase(database.ConnectionString);
        var catalogue = new PostgresCatalogue(postgres);
        var random = new Random(1);
        var (list, bare, count) = (new List<double>(), new List<double>(), new List<double>());
        for (var page = 0; page < pages + 50; page++)
        {
            var start = random.Next(1, rows);
            var times = (await Time(() => catalogue.List("mia", new JobId(start), Limit, default)), await Time(() => Bare(postgres, start)));
            // The first ones open connections and prepare statements.
            if (page < 50)
                continue;
            list.Add(times.Item1);
            bare.Add(times.Item2);
            if (page % 100 == 0)
                count.Add(await Time(() => Count(postgres)));
        }

        var seen = await catalogue.List("mia", null, Limit, default);
        Console.WriteLine($"{rows} jobs, total of mia {seen.Total}, {pages} pages of {Limit}");
        Report("page with total", list);
        Report("bare query of the page", bare);
        Report("full count", count);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio: p50 {At(list, 0.5) / At(bare, 0.5):0.00}, p99 {At(list, 0.99) / At(bare, 0.99):0.00}"));
        return 0;
    }

    /// <summary>One real record, under many ids.</summary>
    private static async Task Fill(PostgresTestDatabase database, int rows)
    {
        var payload = Convert.ToHexString(new StateJson().Serialize(Jobs.Full(1) with { Status = JobStatus.Success }).ToArray());
        await using var source = NpgsqlDataSource.Create(database.ConnectionString + ";Command Timeout=0;Pooling=false");
        await using var fill = source.CreateCommand($"""
            ALTER TABLE storage DISABLE TRIGGER job_made;
            INSERT INTO storage (state, n0, n1, key, version, id, owner, status, attempt, image, created, updated, revision, pool, priority, labels, payload)
            SELECT 'job', 0, n, '', 3, n, CASE WHEN n % 10 = 0 THEN 'noa' ELSE 'mia' END, 'success', 1, 'host', '', '', 3, 'default', 0, '[]', '\x{payload}'
            FROM generate_series(1, {rows}) n;
            ALTER TABLE storage ENABLE TRIGGER job_made;
            INSERT INTO job_total SELECT owner, id % 32, count(*) FROM storage GROUP BY 1, 2
            """);
        await fill.ExecuteNonQueryAsync();
        await using var tidy = source.CreateCommand("VACUUM ANALYZE storage");
        await tidy.ExecuteNonQueryAsync();
    }

    private static async Task Bare(PostgresDatabase database, int start)
    {
        await using var command = database.Command(PostgresCatalogue.PageSql, ("owner", "mia"), ("start", start), ("limit", Limit + 1));
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            _ = await reader.GetFieldValueAsync<byte[]>(0);
    }

    private static async Task Count(PostgresDatabase database)
    {
        await using NpgsqlCommand command = database.Command("SELECT count(*) FROM storage WHERE state = 'job' AND owner = @owner", ("owner", "mia"));
        _ = await command.ExecuteScalarAsync();
    }

    private static async Task<double> Time(Func<Task> act)
    {
        var begin = Stopwatch.GetTimestamp();
        await act();
        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }

    private static void Report(string what, List<double> times) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: p50 {At(times, 0.5):0.00} ms, p99 {At(times, 0.99):0.00} ms, of {times.Count}"));

    private static double At(List<double> times, double share) => times.Order().ElementAt((int)(share * (times.Count - 1)));
}
