using System.Collections.Immutable;
using Builds.Cluster;
using Builds.Storage;
using DbUp.Engine;
using Microsoft.Data.Sqlite;

namespace Builds.Tests.Storage;

/// <summary>Older, newer and broken databases.</summary>
public sealed class StorageSchemaTests : IDisposable
{
    private static readonly ImmutableArray<SqlScript> Ours = StorageScripts.Sqlite.Migrations;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("builds-storage-");

    private string Database => Path.Combine(folder.FullName, "builds.db");

    [Fact]
    public async Task An_older_database_is_upgraded_and_keeps_its_records()
    {
        await using (var storage = await StorageHarness.Start(Database))
            await storage.Write(Jobs.Queued(1));

        StorageSchema.Upgrade(Database, [.. Ours, new SqlScript("9001_more.sql", "ALTER TABLE storage ADD COLUMN more TEXT; UPDATE storage SET more = note || '$x$';")]);

        Rows("SELECT state || n1 FROM storage WHERE more IS NULL").ShouldBe(["job1"]);
    }

    [Fact]
    public void A_repeated_upgrade_changes_nothing()
    {
        StorageSchema.Upgrade(Database);
        StorageSchema.Upgrade(Database);

        Rows("SELECT ScriptName FROM SchemaVersions").ShouldBe(Ours.Select(script => script.Name));
    }

    [Fact]
    public void A_newer_database_is_refused_and_left_alone()
    {
        StorageSchema.Upgrade(Database, [.. Ours, new SqlScript("9001_more.sql", "ALTER TABLE storage ADD COLUMN more TEXT; DELETE FROM OrleansQuery;")]);
        Change("DELETE FROM OrleansQuery");

        var refusal = Should.Throw<DataDirectoryException>(() => StorageSchema.Upgrade(Database));

        refusal.Message.ShouldBe(
            $"the database {Database} is of a newer version of builds: it has schema version 9001, this program knows {Ours.Length}. " +
            "Run that newer version, or restore a backup that was made before its first start.");
        Rows("SELECT QueryKey FROM OrleansQuery").ShouldBeEmpty();
    }

    [Fact]
    public void An_upgrade_that_fails_leaves_the_database_as_it_was()
    {
        StorageSchema.Upgrade(Database);
        SqlScript[] scripts =
        [
            .. Ours, new SqlScript("9001_good.sql", "CREATE TABLE good (x TEXT);"), new SqlScript("9002_bad.sql", "CREATE TABLE half (x TEXT); INSERT INTO nowhere VALUES (1);"),
        ];

        var failure = Should.Throw<DataDirectoryException>(() => StorageSchema.Upgrade(Database, scripts));

        failure.Message.ShouldStartWith($"the database {Database} cannot be upgraded: 9002_bad.sql: SQLite Error 1: 'no such table: nowhere'.");
        Rows("SELECT name FROM sqlite_schema WHERE name IN ('good', 'half')").ShouldBeEmpty();
        StorageSchema.Upgrade(Database);
        Rows("SELECT ScriptName FROM SchemaVersions").ShouldBe(Ours.Select(script => script.Name));
    }

    [Fact]
    public void Statements_of_an_earlier_program_are_replaced()
    {
        StorageSchema.Upgrade(Database);
        Change("UPDATE OrleansQuery SET QueryText = 'old'");

        StorageSchema.Upgrade(Database);

        Rows("SELECT QueryKey FROM OrleansQuery WHERE QueryText <> 'old' ORDER BY QueryKey")
            .ShouldBe(["ClearStorageKey", "DeleteStorageKey", "ReadFromStorageKey", "WriteToStorageKey"]);
    }

    [Fact]
    public void A_file_that_is_no_database_is_refused()
    {
        File.WriteAllText(Database, new string('x', 5000));

        Should.Throw<DataDirectoryException>(() => StorageSchema.Upgrade(Database)).Message.ShouldBe(
            $"the database {Database} cannot be opened: SQLite Error 26: 'file is not a database'. If it is damaged, restore a backup.");
    }

    /// <summary>A script that was released must stay as it is: databases have run it.</summary>
    [Fact]
    public void Scripts_are_numbered_without_a_gap()
    {
        Ours.Select(script => script.Name.Split('_')[0]).ShouldBe(Enumerable.Range(1, Ours.Length).Select(number => $"{number:0000}"));
    }

    public void Dispose() => folder.Delete(recursive: true);

    private void Change(string sql) => Rows(sql);

    private List<string> Rows(string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Database, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
            rows.Add(reader.GetString(0));
        return rows;
    }
}
