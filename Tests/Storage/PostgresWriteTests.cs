using Builds.Jobs;
using Builds.Support;
using Npgsql;
using Orleans.Storage;

namespace Builds.Tests.Storage;

/// <summary>Writes that meet others, or a connection that breaks, in the middle.</summary>
public sealed class PostgresWriteTests
{
    [PostgresFact]
    public async Task A_write_during_whose_wait_the_record_vanishes_is_refused()
    {
        await using var database = await PostgresTestDatabase.Create();
        await using var storage = await StorageHarness.Start(DatabaseKind.Postgres, database.ConnectionString);
        var job = await storage.Write(Jobs.Full(1));
        await using var other = await Begin(database, "DELETE FROM storage WHERE state = 'job'");

        var write = storage.Write("job", StorageHarness.Job(1), job);
        await database.Blocked(1);
        await Execute(other, "COMMIT");

        await Should.ThrowAsync<InconsistentStateException>(() => write);
        (await storage.Catalogue.Find(new JobId(1), default)).ShouldBeNull();
    }

    [PostgresFact]
    public async Task A_write_during_whose_wait_another_one_lands_is_refused()
    {
        await using var database = await PostgresTestDatabase.Create();
        await using var storage = await StorageHarness.Start(DatabaseKind.Postgres, database.ConnectionString);
        var job = await storage.Write(Jobs.Full(1));
        await using var other = await Begin(database, "UPDATE storage SET version = version + 1 WHERE state = 'job'");

        var write = storage.Write("job", StorageHarness.Job(1), job);
        await database.Blocked(1);
        await Execute(other, "COMMIT");

        await Should.ThrowAsync<InconsistentStateException>(() => write);
        (await storage.Read<JobState>("job", StorageHarness.Job(1))).ETag.ShouldBe("2");
    }

    [PostgresFact]
    public async Task A_first_write_that_meets_another_one_depends_on_whether_that_stays()
    {
        await using var database = await PostgresTestDatabase.Create();
        await using var storage = await StorageHarness.Start(DatabaseKind.Postgres, database.ConnectionString);
        const string Insert = "INSERT INTO storage (state, n0, n1, key, version, payload) VALUES ('job', 0, {0}, '', 1, '{{}}')";

        await using (var stays = await Begin(database, string.Format(System.Globalization.CultureInfo.InvariantCulture, Insert, 1)))
        {
            var refused = storage.Write(Jobs.Full(1));
            await database.Blocked(1);
            await Execute(stays, "COMMIT");
            await Should.ThrowAsync<InconsistentStateException>(() => refused);
        }

        await using var goes = await Begin(database, string.Format(System.Globalization.CultureInfo.InvariantCulture, Insert, 2));
        var written = storage.Write(Jobs.Full(2));
        await database.Blocked(1);
        await Execute(goes, "ROLLBACK");
        await written;
    }

    [PostgresFact]
    public async Task A_write_whose_connection_breaks_fails_and_the_next_call_goes_on()
    {
        await using var database = await PostgresTestDatabase.Create();
        await using var storage = await StorageHarness.Start(DatabaseKind.Postgres, database.ConnectionString);
        var job = await storage.Write(Jobs.Full(1));
        await using var other = await Begin(database, "SELECT 1 FROM storage WHERE state = 'job' FOR UPDATE");

        var write = storage.Write("job", StorageHarness.Job(1), job);
        await database.Blocked(1);
        await database.CutConnections();

        var failure = await Should.ThrowAsync<Exception>(() => write);
        failure.ShouldNotBeOfType<InconsistentStateException>("the outcome is unknown, not refused");
        failure.ToString().ShouldNotContain(PostgresServer.Password);
        await Execute(other, "ROLLBACK");
        await storage.Write("job", StorageHarness.Job(1), await storage.Read<JobState>("job", StorageHarness.Job(1)));
        (await storage.Read<JobState>("job", StorageHarness.Job(1))).ETag.ShouldBe("2");
    }

    /// <summary>The database commits, and nobody hears of it: what the grain must be ready for.</summary>
    [PostgresFact]
    public async Task A_server_that_is_killed_keeps_what_it_answered_and_takes_calls_when_it_is_back()
    {
        await using var server = await PostgresServer.Start();
        await using var database = await PostgresTestDatabase.Create(server);
        await using var storage = await StorageHarness.Start(DatabaseKind.Postgres, database.ConnectionString);
        var answered = new List<int>();
        var failed = 0;
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var next = 0;
        var writers = Enumerable.Range(0, 8).Select(async _ =>
        {
            while (Volatile.Read(ref failed) == 0)
            {
                var id = Interlocked.Increment(ref next);
                try
                {
                    await storage.Write(Jobs.Queued(id));
                }
                catch (Exception error) when (error is not TimeoutException)
                {
                    Interlocked.Increment(ref failed);
                    return;
                }

                lock (answered)
                {
                    answered.Add(id);
                    if (answered.Count == 100)
                        enough.TrySetResult();
                }
            }
        }).ToList();
        await enough.Task.WaitAsync(StorageHarness.Bound);

        server.Kill();
        await Task.WhenAll(writers).WaitAsync(StorageHarness.Bound);
        await server.Start();

        failed.ShouldBeGreaterThan(0);
        foreach (var id in answered)
            (await storage.Catalogue.Find(new JobId(id), default)).ShouldNotBeNull($"job {id} was acknowledged");
        await storage.Write(Jobs.Queued(1_000_000));
    }

    /// <summary>A machine that is frozen, or a network that swallows everything.</summary>
    [PostgresFact]
    public async Task A_server_that_does_not_answer_fails_calls_instead_of_holding_them()
    {
        await using var server = await PostgresServer.Start();
        await using var database = await PostgresTestDatabase.Create(server);
        await using var storage = await StorageHarness.Start(DatabaseKind.Postgres, database.ConnectionString + ";Command Timeout=1;Timeout=1");
        var job = await storage.Write(Jobs.Full(1));

        server.Freeze();
        try
        {
            await Should.ThrowAsync<Exception>(() => storage.Write("job", StorageHarness.Job(1), job));
            (await Should.ThrowAsync<Exception>(() => storage.Catalogue.Find(new JobId(1), default).WaitAsync(StorageHarness.Bound)))
                .ShouldBeAssignableTo<NpgsqlException>("and not the patience of this test");
        }
        finally
        {
            server.Thaw();
        }

        (await storage.Read<JobState>("job", StorageHarness.Job(1))).RecordExists.ShouldBeTrue();
    }

    /// <summary>PostgreSQL keeps no NUL in a text; a job may have one, for example in its note.</summary>
    [Theory, OnBoth]
    public async Task Any_text_comes_back_as_it_was(DatabaseKind kind)
    {
        await using var storage = await StorageHarness.Start(kind);
        string[] texts = ["a\0b", "\\u0000", "\\\\u0000", "\"\\\"", "'; DROP TABLE storage; --", "@id $1 :name {0}", "日本 \ud83d\ude00 \u2028"];

        foreach (var (text, at) in texts.Select((text, at) => (text, at)))
            await storage.Write(Jobs.Full(at + 1) with { Note = text, Tags = [text, text] });

        foreach (var (text, at) in texts.Select((text, at) => (text, at)))
        {
            var job = await storage.Catalogue.Find(new JobId(at + 1), default);
            (job!.Note, job.Tags[1]).ShouldBe((text, text));
        }
    }

    private static async Task<NpgsqlConnection> Begin(PostgresTestDatabase database, string sql)
    {
        var connection = await database.Open();
        await Execute(connection, "BEGIN");
        await Execute(connection, sql);
        return connection;
    }

    private static async Task Execute(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
