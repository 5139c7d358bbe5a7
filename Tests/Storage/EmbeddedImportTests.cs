using Builds.Cluster;
using Builds.Jobs;
using Builds.Storage;
using Builds.Support;
using Builds.Users;
using Microsoft.Data.Sqlite;

namespace Builds.Tests.Storage;

/// <summary>From an embedded database to a cluster's: nothing is lost, and nothing is changed.</summary>
public sealed class EmbeddedImportTests : IDisposable
{
    private const string Columns =
        "state, n0, n1, key, version, id, owner, status, reason, attempt, worker, incarnation, queued_at, started, cancel_requested, image, visibility, tags, note, created, updated, expires, revision, pool, priority, labels, triggers_due";

    private readonly TempFolder folder = new();

    private string Source => Path.Combine(folder.Path, "builds.db");

    [PostgresFact]
    public async Task Every_row_arrives_as_it_is()
    {
        await using (var embedded = await StorageHarness.Start(Source))
            await Fill(embedded);
        await using var database = await PostgresTestDatabase.Create();

        var (status, output, errors) = await Import(database);

        (status, errors).ShouldBe((0, ""));
        output.ShouldStartWith($"Imported into database {database.Name} on 127.0.0.1:{database.Server.Port} as user builds: 61 of job, 1 of jobid, 2 of submission, 2 of token\n");
        output.ShouldContain($"the directories {folder.Path}/logs and {folder.Path}/artifacts");
        var rows = await PostgresRows(database);
        rows.Count.ShouldBe(66);
        rows.ShouldBe(await SqliteRows());
    }

    /// <summary>The columns too are those that the same record gets when it is written there.</summary>
    [PostgresFact]
    public async Task An_imported_row_is_like_one_that_the_cluster_has_written()
    {
        await using (var embedded = await StorageHarness.Start(Source))
            await Fill(embedded);
        await using var imported = await PostgresTestDatabase.Create();
        (await Import(imported)).Status.ShouldBe(0);
        await using var written = await PostgresTestDatabase.Create();
        await using (var cluster = await StorageHarness.Start(DatabaseKind.Postgres, written.ConnectionString))
            await Fill(cluster);

        (await PostgresRows(imported)).ShouldBe(await PostgresRows(written));
        (await imported.Rows("SELECT owner || ' ' || sum(jobs) FROM job_total GROUP BY owner ORDER BY 1")).ShouldBe(["mia 51", "noa 10"]);
    }

    [PostgresFact]
    public async Task The_cluster_goes_on_from_there()
    {
        Directory.CreateDirectory(Path.Combine(folder.Path, "keys"));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "keys", "key-1.xml"), "<key />");
        await using (var embedded = await StorageHarness.Start(Source))
            await Fill(embedded);
        await using var database = await PostgresTestDatabase.Create();
        (await Import(database)).Status.ShouldBe(0);

        (await database.Rows("SELECT name || ' ' || xml FROM secret_key")).ShouldBe(["key-1 <key />"], "without its key no secret can be opened");
        await using var cluster = await StorageHarness.Start(DatabaseKind.Postgres, database.ConnectionString);
        var job = await cluster.Read<JobState>("job", StorageHarness.Job(7));
        job.ETag.ShouldBe("3");
        job.State!.ShouldBeEquivalentTo(Jobs.Full(7) with { Note = "third" });
        await cluster.Write("job", StorageHarness.Job(7), job);
        (await cluster.Catalogue.List("mia", null, 10, default)).Total.ShouldBe(51);
        await using var postgres = new PostgresDatabase(database.ConnectionString);
        (await new ClusterRecords(postgres).NextIncarnation("worker-1", "home")).Incarnation.ShouldBe(5_000_000_001, "a name that jobs know goes on counting");
    }

    [PostgresFact]
    public async Task A_cluster_that_has_records_is_refused_and_left_alone()
    {
        await using (var embedded = await StorageHarness.Start(Source))
            await Fill(embedded);
        await using var database = await PostgresTestDatabase.Create();
        (await Import(database)).Status.ShouldBe(0);
        var before = await PostgresRows(database);

        var (status, output, errors) = await Import(database);

        (status, output).ShouldBe((3, ""));
        errors.ShouldBe(
            $"builds: database {database.Name} on 127.0.0.1:{database.Server.Port} as user builds is not empty: it holds 61 of job, 1 of jobid, 2 of submission, 2 of token. " +
            "An import needs a database without records: import before the first silo of the cluster starts, or into a new database.\n");
        (await PostgresRows(database)).ShouldBe(before);
    }

    [PostgresFact]
    public async Task A_record_that_does_not_fit_leaves_nothing_behind()
    {
        await using (var embedded = await StorageHarness.Start(Source))
            await Fill(embedded);
        await Sqlite("INSERT INTO storage (state, n0, n1, key, version, payload) VALUES ('job', 0, 99, '', 1, CAST('no json' AS BLOB))");
        await using var database = await PostgresTestDatabase.Create();

        var (status, _, errors) = await Import(database);

        status.ShouldBe(3);
        errors.ShouldContain($"a record of {Source} cannot be taken over: invalid input syntax for type json. Nothing was imported.");
        errors.ShouldNotContain(PostgresServer.Password);
        (await PostgresRows(database)).ShouldBeEmpty();
    }

    [PostgresFact]
    public async Task A_silo_that_runs_is_refused()
    {
        await using (var embedded = await StorageHarness.Start(Source))
            await Fill(embedded);
        await using var database = await PostgresTestDatabase.Create();
        using var held = DataDirectory.Existing(folder.Path).Lock();

        (await Import(database)).ShouldSatisfyAllConditions(
            end => end.Status.ShouldBe(3),
            end => end.Errors.ShouldBe($"builds: the data directory {folder.Path} is in use by process {Environment.ProcessId}. Stop that one first, or give this one another directory with --data.\n"));
    }

    [PostgresFact]
    public async Task Logs_and_artifacts_go_to_the_store_and_a_repeat_finds_them_there()
    {
        await using (var embedded = await StorageHarness.Start(Source))
            await Fill(embedded);
        var (data, store) = (DataDirectory.Existing(folder.Path), Path.Combine(folder.Path, "store"));
        string[] files = ["logs/1/1/setup", "logs/1/1/build.open", "artifacts/1/abc/a.txt"];
        foreach (var file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(data.Path, file))!);
            await File.WriteAllTextAsync(Path.Combine(data.Path, file), $"this is {file}");
        }

        // A try that was cut off.
        Directory.CreateDirectory(Path.Combine(store, "logs/1/1"));
        await File.WriteAllTextAsync(Path.Combine(store, "logs/1/1/setup"), "this is");
        await using var database = await PostgresTestDatabase.Create();

        var (status, output, _) = await Import(database, "--store", store);

        status.ShouldBe(0);
        output.ShouldContain($"Copied 3 files of logs and artifacts into {store}\n");
        foreach (var file in files)
            (await File.ReadAllTextAsync(Path.Combine(store, file))).ShouldBe($"this is {file}");
        Directory.GetFiles(store, "*", SearchOption.AllDirectories).Length.ShouldBe(3);
    }

    /// <summary>Its jobs have the same numbers.</summary>
    [PostgresFact]
    public async Task The_store_of_a_cluster_is_not_touched()
    {
        await using (var embedded = await StorageHarness.Start(Source))
            await Fill(embedded);
        var store = Path.Combine(folder.Path, "store");
        string[] both = [Path.Combine(folder.Path, "logs/1/1/setup"), Path.Combine(store, "logs/1/1/setup")];
        foreach (var file in both)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, $"this is {file}");
        }

        await using var live = await PostgresTestDatabase.Create();
        (await Import(live)).Status.ShouldBe(0);
        await using var empty = await PostgresTestDatabase.Create();

        (await Import(live, "--store", store)).ShouldSatisfyAllConditions(end => end.Status.ShouldBe(3), end => end.Errors.ShouldContain("is not empty"));
        await File.WriteAllTextAsync(Path.Combine(store, "store.json"), "{\"Id\":\"a\"}");
        (await Import(empty, "--store", store)).ShouldBe(
            (3, "", $"builds: {store} is or was the store of a cluster. An import needs one that no silo has used yet: import before the first silo of the cluster starts, or into another directory or prefix.\n"));

        (await File.ReadAllTextAsync(both[1])).ShouldBe($"this is {both[1]}");
        (await PostgresRows(empty)).ShouldBeEmpty();
    }

    [PostgresFact]
    public async Task What_is_no_source_or_target_is_told_in_one_message()
    {
        await using var database = await PostgresTestDatabase.Create();
        (await Run("import", "--from", Source, "--cluster", database.ConnectionString)).Errors.ShouldStartWith($"builds: there is no database {Source}.");
        await using (var embedded = await StorageHarness.Start(Source))
            await embedded.Write(Jobs.Queued(1));

        (await Run("import", "--from", Source, "--cluster", "Host=127.0.0.1;Port=1;Password=pw-4f1d7c")).ShouldSatisfyAllConditions(
            end => end.Status.ShouldBe(3),
            end => end.Errors.ShouldStartWith("builds: the cluster's database: 127.0.0.1:1 cannot be reached: "),
            end => end.Errors.ShouldNotContain(PostgresServer.Password));
        (await Run("import", "--from", Source)).ShouldBe((2, "", "builds: which cluster? Name its database with --cluster, or in the environment as Builds__Cluster__ConnectionString\n"));
        await Sqlite("INSERT INTO SchemaVersions (ScriptName, Applied) VALUES ('9001_more.sql', '2026-11-24')");
        (await Import(database)).Errors.ShouldContain("is of a newer version of builds: it has schema version 9001");
        (await database.Rows("SELECT tablename FROM pg_tables WHERE tablename = 'storage'")).ShouldBeEmpty();
    }

    [PostgresFact]
    public async Task Migrate_upgrades_and_stops()
    {
        await using var database = await PostgresTestDatabase.Create();

        (await Run("migrate", "--cluster", database.ConnectionString)).ShouldBe(
            (0, $"database {database.Name} on 127.0.0.1:{database.Server.Port} as user builds has schema version {StorageScripts.Postgres.Migrations.Length}\n", ""));

        (await database.Rows("SELECT scriptname FROM schemaversions ORDER BY 1")).ShouldBe(StorageScripts.Postgres.Migrations.Select(script => script.Name));
    }

    public void Dispose() => folder.Dispose();

    /// <summary>Records of every kind, some written more than once.</summary>
    private static async Task Fill(StorageHarness storage)
    {
        foreach (var id in Enumerable.Range(1, 50))
            await storage.Write(Jobs.Full(id));
        foreach (var id in Enumerable.Range(51, 10))
            await storage.Write(Jobs.Queued(id, owner: "noa"));
        await storage.Write(Jobs.Queued(2_000_000_000) with { Note = "NUL: \0, \\u0000, 日本" });
        foreach (var note in new[] { "second", "third" })
        {
            var job = await storage.Read<JobState>("job", StorageHarness.Job(7));
            job.State = job.State! with { Note = note };
            await storage.Write("job", StorageHarness.Job(7), job);
        }

        await storage.Write("jobid", StorageHarness.Job(0), new GrainState<JobIdState>(new JobIdState()));
        foreach (var key in new[] { "one", "b5" })
        {
            await storage.Write("token", StorageHarness.Named(TokenText.GrainKey(key)), new GrainState<TokenState>(new TokenState { User = "mia", Scopes = ["*"], Created = Some.Time }));
            await storage.Write("submission", StorageHarness.Named(SubmissionKey.For("mia", key)), new GrainState<SubmissionState>(new SubmissionState { Job = new JobId(1), Expires = Some.Time }));
        }
    }

    private Task<(int Status, string Output, string Errors)> Import(PostgresTestDatabase database, params string[] more) =>
        Run(["import", "--from", Source, "--cluster", database.ConnectionString, .. more]);

    private static async Task<(int Status, string Output, string Errors)> Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var status = await Builds.Commands.BuildsCommand.Run(arguments, output, errors);
        return (status, output.ToString(), errors.ToString());
    }

    private static async Task<List<string>> PostgresRows(PostgresTestDatabase database)
    {
        await using var connection = await database.Open();
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {Columns}, payload FROM storage ORDER BY state, n0, n1, key";
        return await Rows(command);
    }

    private async Task<List<string>> SqliteRows()
    {
        await using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Source, Pooling = false }.ToString());
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {Columns}, payload FROM storage ORDER BY state, n0, n1, key";
        return await Rows(command);
    }

    private static async Task<List<string>> Rows(System.Data.Common.DbCommand command)
    {
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(column => Text(reader[column]))));
        return rows;
    }

    // SQLite has no booleans; its texts have a NUL where PostgreSQL has a mark for what cannot be shown.
    private static string Text(object value) => value switch
    {
        DBNull => "",
        bool yes => yes ? "1" : "0",
        byte[] bytes => Convert.ToHexString(bytes),
        _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)!.Replace('\0', '\ufffd'),
    };

    private async Task Sqlite(string sql)
    {
        await using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Source, Pooling = false }.ToString());
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }
}
