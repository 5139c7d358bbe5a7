using System.Text.Json;
using Builds.Cluster;
using Builds.Jobs;
using Builds.Storage;
using Builds.Tests.Silos;
using Microsoft.Data.Sqlite;

namespace Builds.Tests.Recovery;

/// <summary>Reads the jobs' records in the database beside the silo, and compares each with what it was before.</summary>
internal sealed class RecordWatch(DataDirectory data)
{
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(60);

    private readonly Dictionary<int, JobState> known = [];

    public IReadOnlyDictionary<int, JobState> Known => known;

    /// <summary>Looks until <paramref name="over"/>; throws when a record became what it must not become.</summary>
    public async Task Watch(Task over)
    {
        using var timer = new PeriodicTimer(Often);
        while (!over.IsCompleted)
        {
            Look();
            await timer.WaitForNextTickAsync();
        }
    }

    public void Look()
    {
        // A connection for each look: one that stayed open would change what the next silo finds.
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = data.Database, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT payload FROM storage WHERE state = 'job'";
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            var job = JsonSerializer.Deserialize<JobState>(reader.GetFieldValue<byte[]>(0), StateJson.Options)!;
            if (RecordRules.Mistake(known.GetValueOrDefault(job.Id.Value), job, SiloProcess.MaxAttempts) is { } mistake)
                throw new HarnessException($"job {job.Id}: {mistake}\nbefore: {JsonSerializer.Serialize(known.GetValueOrDefault(job.Id.Value), StateJson.Options)}\nnow: {JsonSerializer.Serialize(job, StateJson.Options)}");
            known[job.Id.Value] = job;
        }
    }
}
