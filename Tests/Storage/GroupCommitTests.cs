using Builds.Jobs;
using Builds.Storage;
using Microsoft.Data.Sqlite;

namespace Builds.Tests.Storage;

/// <summary>Many writes, few commits: what each writer is told is true.</summary>
public sealed class GroupCommitTests : IDisposable
{
    private static readonly SqliteStatement Park = new("INSERT INTO numbers SELECT hold() RETURNING number");

    private readonly TaskCompletionSource parked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim release = new(0);

    [Fact]
    public async Task Writes_that_queue_up_during_a_commit_share_the_next_one()
    {
        await using var storage = await Start();
        var before = storage.Database.Commits;
        var first = await ParkWriter(storage);
        var writes = Enumerable.Range(1, 100).Select(id => storage.Write(Jobs.Queued(id))).ToList();

        release.Release();
        await Task.WhenAll(writes);
        await first;

        storage.Database.Commits.ShouldBe(before + 2, "the parked one, and all others together");
        (await storage.Catalogue.List("mia", null, 1, default)).Total.ShouldBe(100);
    }

    [Fact]
    public async Task A_group_is_bounded()
    {
        await using var storage = await Start();
        var before = storage.Database.Commits;
        var first = await ParkWriter(storage);
        var writes = Enumerable.Range(1, 600).Select(number => storage.Database.Write(Number(number))).ToList();

        release.Release();
        await Task.WhenAll(writes);
        await first;

        storage.Database.Commits.ShouldBe(before + 1 + 3, "256 + 256 + 88");
    }

    [Fact]
    public async Task A_statement_that_fails_fails_only_its_own_writer()
    {
        await using var storage = await Start();
        var first = await ParkWriter(storage);
        var before = storage.Database.Write(Number(1));
        // The second row of this one is refused, after its first was written.
        var bad = storage.Database.Write(new SqliteStatement("INSERT INTO numbers VALUES (2), (1) RETURNING number"));
        var after = storage.Database.Write(Number(3));

        release.Release();
        await Task.WhenAll(before, after, first);

        (await Should.ThrowAsync<SqliteException>(() => bad)).Message.ShouldContain("UNIQUE constraint failed: numbers.number");
        (await Numbers(storage)).ShouldBe([0, 1, 3]);
    }

    [Fact]
    public async Task A_commit_that_fails_fails_its_whole_group_and_nothing_later()
    {
        await using var storage = await Start();
        var first = await ParkWriter(storage);
        var good = storage.Database.Write(Number(1));
        // Points to a number that is not there, which the database checks in COMMIT.
        var bad = storage.Database.Write(new SqliteStatement("INSERT INTO pointers VALUES (99) RETURNING 1"));

        release.Release();
        await first;
        (await Should.ThrowAsync<GroupCommitException>(() => good)).Message.ShouldBe(
            "a transaction of 2 write(s) failed as a whole: SQLite Error 19: 'FOREIGN KEY constraint failed'.");
        await Should.ThrowAsync<GroupCommitException>(() => bad);
        await storage.Database.Write(Number(2));

        (await Numbers(storage)).ShouldBe([0, 2]);
    }

    [Fact]
    public async Task A_full_disk_fails_what_does_not_fit_and_nothing_else()
    {
        await using var storage = await Start(connection => Execute(connection, "PRAGMA max_page_count = 60"));
        var large = Jobs.Queued(1) with { Manifest = new string('m', 300_000) };

        (await Should.ThrowAsync<SqliteException>(() => storage.Write(large))).Message.ShouldContain("database or disk is full");
        await storage.Write(Jobs.Queued(2));

        (await storage.Catalogue.Find(new JobId(1), default)).ShouldBeNull();
        (await storage.Catalogue.Find(new JobId(2), default)).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_long_read_holds_up_no_write_and_sees_none()
    {
        await using var storage = await Start();
        await storage.Write(Jobs.Queued(1));
        using var reader = Open(storage.Database.ConnectionString);
        Execute(reader, "BEGIN");
        CountJobs(reader).ShouldBe(1);

        await storage.Write(Jobs.Queued(2));

        CountJobs(reader).ShouldBe(1, "it reads the moment at which it began");
        (await storage.Catalogue.List("mia", null, 10, default)).Total.ShouldBe(2);
    }

    [Fact]
    public async Task Another_program_that_holds_the_file_fails_writes_with_a_reason_and_later_ones_pass()
    {
        await using var storage = await Start();
        using var other = Open(new SqliteConnectionStringBuilder { DataSource = storage.Place, Pooling = false }.ToString());
        Execute(other, "BEGIN IMMEDIATE");
        (await Should.ThrowAsync<GroupCommitException>(() => storage.Write(Jobs.Queued(1)))).Message.ShouldContain("database is locked");
        Execute(other, "ROLLBACK");

        await storage.Write(Jobs.Queued(1));
    }

    [Fact]
    public async Task A_write_after_the_end_is_refused()
    {
        var storage = await Start();
        var database = storage.Database;
        await storage.DisposeAsync();

        await Should.ThrowAsync<ObjectDisposedException>(() => database.Write(Number(1)));
    }

    private async Task<StorageHarness> Start(Action<SqliteConnection>? opened = null)
    {
        return await StorageHarness.Start(opened: connection =>
        {
            opened?.Invoke(connection);
            Execute(connection, "CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY)");
            Execute(connection, "CREATE TABLE IF NOT EXISTS pointers (number INTEGER REFERENCES numbers DEFERRABLE INITIALLY DEFERRED)");
            connection.CreateFunction("hold", () =>
            {
                parked.TrySetResult();
                release.Wait(StorageHarness.Bound).ShouldBeTrue("nobody released the writer");
                return 0;
            });
        });
    }

    /// <summary>From here on the writer is inside its first transaction, and whatever comes queues up, until it is released.</summary>
    private async Task<Task> ParkWriter(StorageHarness storage)
    {
        var first = storage.Database.Write(Park);
        await parked.Task.WaitAsync(StorageHarness.Bound);
        return first;
    }

    private static SqliteStatement Number(int number) => new("INSERT INTO numbers VALUES (@number) RETURNING number", ("number", number));

    private static Task<List<long>> Numbers(StorageHarness storage) => storage.Database.Catalogue.Read(
        session => session.Query(new SqliteStatement("SELECT number FROM numbers ORDER BY number"), row => row.GetInt64(0)), default);

    private static long CountJobs(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM storage WHERE state = 'job'";
        return (long)command.ExecuteScalar()!;
    }

    public void Dispose() => release.Dispose();

    private static SqliteConnection Open(string connectionString)
    {
        var connection = new SqliteConnection(connectionString);
        connection.Open();
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
