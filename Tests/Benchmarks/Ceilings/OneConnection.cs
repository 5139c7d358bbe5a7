using Builds.Benchmarks.Measuring;
using Builds.Jobs;
using Builds.Storage;
using Microsoft.Data.Sqlite;

namespace Builds.Benchmarks.Ceilings;

/// <summary>
/// What the database can do without group commit: the product's schema, its statement for writing a record and its record of a new job,
/// prepared on one connection that syncs each write, one write at a time.
/// </summary>
internal sealed class OneConnection : IDisposable
{
    public const string Name = "one connection, one write at a time";

    private readonly SqliteConnection connection;
    private readonly SqliteCommand command;
    private readonly SqliteParameter key, payload;
    private int written;

    public OneConnection(string directory)
    {
        var file = Path.Combine(directory, $"one-connection-{Guid.NewGuid():N}.db");
        StorageSchema.Upgrade(file);
        connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        connection.Open();
        using (var pragmas = connection.CreateCommand())
        {
            pragmas.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL";
            pragmas.ExecuteNonQuery();
        }

        command = connection.CreateCommand();
        command.CommandText = StorageScripts.Sqlite.Queries.Single(query => query.Key == "WriteToStorageKey").Text;
        command.Parameters.AddWithValue("GrainTypeString", "job");
        command.Parameters.AddWithValue("GrainIdN0", 0L);
        command.Parameters.AddWithValue("GrainIdExtensionString", DBNull.Value);
        command.Parameters.AddWithValue("GrainStateVersion", DBNull.Value);
        key = command.Parameters.Add("GrainIdN1", SqliteType.Integer);
        payload = command.Parameters.Add("PayloadBinary", SqliteType.Blob);
        (key.Value, payload.Value) = (0, Array.Empty<byte>());
        command.Prepare();
    }

    public Task<Rate> Measure(TimeSpan span) => Load.Run(1, span, _ =>
    {
        Write();
        return Task.CompletedTask;
    });

    public void Dispose()
    {
        command.Dispose();
        connection.Dispose();
    }

    private void Write()
    {
        var id = new JobId(++written);
        var job = JobDecisions.Submit(
            id, new JobSubmission { Owner = "admin", Manifest = Manifests.True }, "host", [Manifests.Task], TimeProvider.System.GetUtcNow());
        key.Value = id.Value;
        payload.Value = new StateJson().Serialize(job with { Revision = 1, Updated = job.Created }).ToArray();
        if (command.ExecuteScalar() is not 1L)
            throw new InvalidOperationException($"Job {id} was not written as new.");
    }
}
