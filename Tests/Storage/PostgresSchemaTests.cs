using Builds.Cluster;
using Builds.Storage;
using Builds.Support;
using DbUp.Engine;

namespace Builds.Tests.Storage;

/// <summary>Empty, older and newer databases of clusters.</summary>
public sealed class PostgresSchemaTests
{
    private static readonly StorageScripts Ours = StorageScripts.Postgres;

    [PostgresFact]
    public async Task Any_number_of_silos_may_start_at_once_against_an_empty_database()
    {
        await using var database = await PostgresTestDatabase.Create();

        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(() => PostgresSchema.Upgrade(database.ConnectionString))));

        (await database.Rows("SELECT scriptname FROM schemaversions ORDER BY 1")).ShouldBe(Ours.Migrations.Select(script => script.Name));
        (await database.Rows("SELECT QueryKey FROM OrleansQuery ORDER BY QueryKey COLLATE \"C\"")).ShouldBe(Ours.Queries.Select(query => query.Key));
    }

    [PostgresFact]
    public async Task A_silo_waits_while_another_one_upgrades()
    {
        await using var database = await PostgresTestDatabase.Create();
        await using var other = await database.Open();
        await using var hold = other.CreateCommand();
        hold.CommandText = $"SELECT pg_advisory_lock({PostgresSchema.UpgradeLock})";
        await hold.ExecuteNonQueryAsync();

        var upgrade = PostgresSchema.Upgrade(database.ConnectionString);
        await database.Blocked(1);
        (await database.Rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).ShouldBeEmpty();
        await other.CloseAsync();
        await upgrade;

        (await database.Rows("SELECT scriptname FROM schemaversions ORDER BY 1")).ShouldBe(Ours.Migrations.Select(script => script.Name));
    }

    [PostgresFact]
    public async Task An_older_database_is_upgraded_and_keeps_its_records()
    {
        await using var database = await PostgresTestDatabase.Create();
        await using (var storage = await StorageHarness.Start(DatabaseKind.Postgres, database.ConnectionString))
            await storage.Write(Jobs.Queued(1));

        await PostgresSchema.Upgrade(database.ConnectionString, With("ALTER TABLE storage ADD COLUMN more text; UPDATE storage SET more = note || '$x$';"));

        (await database.Rows("SELECT state || n1 FROM storage WHERE more IS NULL")).ShouldBe(["job1"]);
    }

    [PostgresFact]
    public async Task An_upgrade_for_which_no_silo_may_run_waits_until_none_does()
    {
        await using var database = await PostgresTestDatabase.Create();
        await PostgresSchema.Upgrade(database.ConnectionString);
        await database.Execute("INSERT INTO membership_version VALUES ('builds', 1, now())");
        await database.Execute(
            "INSERT INTO membership (cluster_id, address, port, generation, silo_name, host_name, status, proxy_port, start_time, alive_time) " +
            "SELECT 'builds', '127.0.0.1', port, 1, name, 'here', status, 0, now(), now() - age " +
            "FROM (VALUES (1, 'ada', 3, interval '9 seconds'), (2, 'bob', 3, interval '1 second'), (3, 'cyd', 6, interval '1 second'), (4, 'dan', 3, interval '31 seconds')) AS silo (port, name, status, age)");
        var next = With("-- no silo may run: a test\nCREATE TABLE more (n integer);");
        await PostgresSchema.Upgrade(database.ConnectionString);

        (await Should.ThrowAsync<ClusterException>(() => PostgresSchema.Upgrade(database.ConnectionString, next))).Message.ShouldBe(
            $"the cluster's database: database {database.Name} on 127.0.0.1:{database.Server.Port} as user builds is of an earlier version of builds, whose silos cannot run beside those of this one; " +
            "these do: ada, bob. Stop them all, then start this version. Those that were killed count as stopped half a minute later.");
        (await database.Rows("SELECT tablename FROM pg_tables WHERE tablename = 'more'")).ShouldBeEmpty();

        await database.Execute("UPDATE membership SET status = 6");
        await PostgresSchema.Upgrade(database.ConnectionString, next);
        (await database.Rows("SELECT tablename FROM pg_tables WHERE tablename = 'more'")).ShouldBe(["more"]);
    }

    [PostgresFact]
    public async Task A_repeated_upgrade_changes_nothing()
    {
        await using var database = await PostgresTestDatabase.Create();
        await PostgresSchema.Upgrade(database.ConnectionString);
        var before = await database.Rows("SELECT xmin || ' ' || QueryKey FROM OrleansQuery UNION ALL SELECT xmin || ' ' || scriptname FROM schemaversions ORDER BY 1");

        await PostgresSchema.Upgrade(database.ConnectionString);

        (await database.Rows("SELECT xmin || ' ' || QueryKey FROM OrleansQuery UNION ALL SELECT xmin || ' ' || scriptname FROM schemaversions ORDER BY 1")).ShouldBe(before);
    }

    [PostgresFact]
    public async Task A_newer_database_is_refused_and_left_alone()
    {
        await using var database = await PostgresTestDatabase.Create();
        await PostgresSchema.Upgrade(database.ConnectionString, With("CREATE TABLE more (x text);"));
        await database.Execute("DELETE FROM OrleansQuery");

        var refusal = await Should.ThrowAsync<ClusterException>(() => PostgresSchema.Upgrade(database.ConnectionString));

        refusal.Message.ShouldBe(
            $"the cluster's database: database {database.Name} on 127.0.0.1:{database.Server.Port} as user builds is of a newer version of builds: it has schema version 9001, this program knows {Ours.Migrations.Length}. " +
            "Start that newer version here too, or restore a backup that was made before its first start.");
        (await database.Rows("SELECT QueryKey FROM OrleansQuery")).ShouldBeEmpty();
    }

    [PostgresFact]
    public async Task An_upgrade_that_fails_leaves_the_database_as_it_was()
    {
        await using var database = await PostgresTestDatabase.Create();
        await PostgresSchema.Upgrade(database.ConnectionString);
        var scripts = With("CREATE TABLE good (x text);", "CREATE TABLE half (x text); INSERT INTO nowhere VALUES (1);");

        var failure = await Should.ThrowAsync<ClusterException>(() => PostgresSchema.Upgrade(database.ConnectionString, scripts));

        failure.Message.ShouldContain("cannot be upgraded: 9002_more.sql: 42P01: relation \"nowhere\" does not exist");
        (await database.Rows("SELECT tablename FROM pg_tables WHERE tablename IN ('good', 'half')")).ShouldBeEmpty();
        await PostgresSchema.Upgrade(database.ConnectionString);
        (await database.Rows("SELECT scriptname FROM schemaversions ORDER BY 1")).ShouldBe(Ours.Migrations.Select(script => script.Name));
    }

    [PostgresFact]
    public async Task Statements_of_an_earlier_program_are_replaced()
    {
        await using var database = await PostgresTestDatabase.Create();
        await PostgresSchema.Upgrade(database.ConnectionString);
        await database.Execute("UPDATE OrleansQuery SET QueryText = 'old'");

        await PostgresSchema.Upgrade(database.ConnectionString);

        (await database.Rows("SELECT QueryKey FROM OrleansQuery WHERE QueryText = 'old'")).ShouldBeEmpty();
    }

    [PostgresFact]
    public async Task A_schema_of_its_own_is_as_good_even_beside_another_cluster()
    {
        await using var database = await PostgresTestDatabase.Create();
        await PostgresSchema.Upgrade(database.ConnectionString);
        await database.Execute("CREATE SCHEMA second");

        await PostgresSchema.Upgrade(database.ConnectionString + ";Search Path=second");

        (await database.Rows("SELECT table_schema FROM information_schema.tables WHERE table_name = 'storage' ORDER BY 1")).ShouldBe(["public", "second"]);
        (await database.Rows("SELECT scriptname FROM second.schemaversions ORDER BY 1")).ShouldBe(Ours.Migrations.Select(script => script.Name));
    }

    private static StorageScripts With(params string[] more) =>
        Ours with { Migrations = [.. Ours.Migrations, .. more.Select((sql, number) => new SqlScript($"{9001 + number}_more.sql", sql))] };
}
