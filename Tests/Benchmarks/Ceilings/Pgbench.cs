using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Builds.Benchmarks.Measuring;
using Builds.Jobs;
using Builds.Storage;
using Builds.Support;
using Npgsql;

namespace Builds.Benchmarks.Ceilings;

/// <summary>
/// What PostgreSQL can do: its own load generator runs the product's statement on the product's tables, with the product's records,
/// prepared, on as many connections as the silos have and all of them busy. One commit each, as in the product.
/// </summary>
internal sealed partial class Pgbench
{
    /// <summary>Of the cluster whose only member it writes as.</summary>
    private const string ClusterId = "pgbench";

    private readonly NpgsqlConnectionStringBuilder database;
    private readonly string directory, inserts, lives, made, ran, ended;
    private long next;

    private Pgbench(NpgsqlConnectionStringBuilder database, string directory)
    {
        (this.database, this.directory) = (database, directory);
        (made, ran, ended) = Records();
        var write = string.Join('\n', StorageScripts.Postgres.Queries.Single(query => query.Key == "WriteToStorageKey").Text
            .Split('\n').Where(line => !line.StartsWith("--", StringComparison.Ordinal)));
        inserts = Script("inserts", Write(0, nameof(made)));
        lives = Script("lives", Write(0, nameof(made)), Write(1, nameof(ran)), Write(2, nameof(ended)));

        string Write(int version, string record) => write
            .Replace("@ServiceId", $"'127.0.0.1 1 1 {ClusterId}'", StringComparison.Ordinal).Replace("@GrainTypeString", "'job'", StringComparison.Ordinal)
            .Replace("@GrainIdN0", "0", StringComparison.Ordinal).Replace("@GrainIdN1", ":id", StringComparison.Ordinal)
            .Replace("@GrainIdExtensionString", "NULL::text", StringComparison.Ordinal)
            .Replace("@GrainStateVersion", $"nullif({version}, 0)", StringComparison.Ordinal)
            // Only variables: it takes every colon for the begin of one, in texts too.
            .Replace("@PayloadBinary", $"convert_to(replace(:{record}, :mark, :head::text || :id::text || ','), 'UTF8')", StringComparison.Ordinal)
            .TrimEnd() + ";\n";
    }

    /// <summary>On a database of its own, of the same server.</summary>
    public static async Task<Pgbench> Create(PostgresServer server, string directory)
    {
        var connectionString = await server.CreateDatabase();
        await PostgresSchema.Upgrade(connectionString);
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var member = new NpgsqlCommand(
            $"INSERT INTO membership_version VALUES ('{ClusterId}', 1, now()); INSERT INTO membership VALUES ('{ClusterId}', '127.0.0.1', 1, 1, 'a', 'h', {(int)SiloStatus.Active}, 0, NULL, now(), now())", connection);
        await member.ExecuteNonQueryAsync();
        return new Pgbench(new NpgsqlConnectionStringBuilder(connectionString), directory);
    }

    public static string Program => Path.Combine(PostgresServer.Programs!, "pgbench");

    /// <summary>One write each: a new job.</summary>
    public Task<Rate> Inserts(int connections, TimeSpan span) => Measure(inserts, connections, span);

    /// <summary>Three writes each: a new job, its claim and its end.</summary>
    public Task<Rate> Lives(int connections, TimeSpan span) => Measure(lives, connections, span);

    private async Task<Rate> Measure(string script, int connections, TimeSpan span)
    {
        var log = Path.Combine(directory, $"pgbench-{Guid.NewGuid():N}");
        // Whole seconds are its smallest time.
        string[] amount = span < TimeSpan.FromSeconds(1) ? ["-t", "5"] : ["-T", Text(Math.Ceiling(span.TotalSeconds))];
        var start = new ProcessStartInfo(Program,
            ["-n", "-M", "prepared", "-c", Text(connections), "-j", Text(Math.Min(connections, Environment.ProcessorCount)), "-f", script, "-D", $"n={Text(next)}", "-D", $"clients={Text(connections)}",
             "-D", $"made={made}", "-D", $"ran={ran}", "-D", $"ended={ended}", "-D", "mark=\"id\":0,", "-D", "head=\"id\":",
             .. amount, "-l", "--log-prefix", log, "-h", database.Host!, "-p", Text(database.Port), "-U", database.Username!, database.Database!])
        { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PGPASSWORD"] = database.Password;
        var processor = ProcessorTime.Now;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"pgbench ended with {process.ExitCode}: {await errors}");
        // Numbers that no later measurement uses again, however many clients it has.
        next += 10_000_000 / connections;
        var used = ProcessorTime.Now - processor;
        var samples = new Samples();
        foreach (var file in Directory.GetFiles(directory, Path.GetFileName(log) + ".*"))
        {
            await foreach (var line in File.ReadLinesAsync(file))
                samples.Add(TimeSpan.FromMicroseconds(double.Parse(line.Split(' ')[2], CultureInfo.InvariantCulture)));
            File.Delete(file);
        }

        var rate = double.Parse(TransactionsPerSecond().Match(said).Groups["rate"].Value, CultureInfo.InvariantCulture);
        return new Rate(samples.Count, TimeSpan.FromSeconds(samples.Count / rate), used, samples);
    }

    private string Script(string name, params string[] statements)
    {
        var path = Path.Combine(directory, name + ".sql");
        File.WriteAllText(path, "\\set n :n + 1\n\\set id :n * :clients + :client_id\n" + string.Concat(statements));
        return path;
    }

    /// <summary>Of a job without a number: as it is submitted, as it is claimed, and as it ended.</summary>
    private static (string Made, string Ran, string Ended) Records()
    {
        var now = TimeProvider.System.GetUtcNow();
        var queued = Manifests.Submitted(now) with { Revision = 1 };
        var running = JobDecisions.Claim(queued, new JobClaim("silo-1", 1, Guid.NewGuid().ToString("N")), now).Job with { Revision = 2 };
        var success = running with { Revision = 3, Status = JobStatus.Success, Tasks = [.. running.Tasks.Select(task => task with { Status = BuildTaskStatus.Success })] };
        return (Text(queued), Text(running), Text(success));

        static string Text(JobState job) => new StateJson().Serialize(job).ToString();
    }

    private static string Text<T>(T number)
        where T : IFormattable => number.ToString(null, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"tps = (?<rate>[0-9.]+) \(without", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex TransactionsPerSecond();
}
