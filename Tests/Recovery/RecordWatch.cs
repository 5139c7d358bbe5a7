using System.Text.Json;
using Builds.Cluster;
using Builds.Jobs;
using Builds.Storage;
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
            if (Mistake(known.GetValueOrDefault(job.Id.Value), job) is { } mistake)
                throw new RecoveryException($"job {job.Id}: {mistake}\nbefore: {JsonSerializer.Serialize(known.GetValueOrDefault(job.Id.Value), StateJson.Options)}\nnow: {JsonSerializer.Serialize(job, StateJson.Options)}");
            known[job.Id.Value] = job;
        }
    }

    private static string? Mistake(JobState? before, JobState now)
    {
        if (!now.EndedAttempts.Select(ended => ended.Attempt).SequenceEqual(Enumerable.Range(1, now.EndedAttempts.Length)))
            return "its ended attempts are not 1, 2, 3 …: one began before the one before it was given up";
        if (now.Attempt - now.EndedAttempts.Length is not (0 or 1))
            return "its attempt is neither the last that ended nor the one after";
        if (now.Status == JobStatus.Running && now.Attempt == now.EndedAttempts.Length)
            return "it is running, but its attempt was given up";
        if (now.Lost > SiloProcess.MaxAttempts || (now.Reason == FailReason.WorkerLost) != (now.Lost == SiloProcess.MaxAttempts && !now.CancelRequested))
            return $"it lost its worker {now.Lost} times, and that is not what its reason says";
        return before is null ? null : Change(before, now);
    }

    private static string? Change(JobState before, JobState now)
    {
        if (now.Revision < before.Revision)
            return "it went back to an earlier record: a write that others had read is lost";
        if (before.Status.IsFinal() && (now.Status, now.Reason, now.Attempt) != (before.Status, before.Reason, before.Attempt))
            return "it was final and changed";
        if (before.Status.IsFinal() && !now.Tasks.SequenceEqual(before.Tasks))
            return "it was final and its tasks changed";
        if (before.CancelRequested && (!now.CancelRequested || now.Attempt > before.Attempt))
            return "it was cancelled, and forgot it or ran again";
        if (now.EndedAttempts.Length < before.EndedAttempts.Length || !before.EndedAttempts.Zip(now.EndedAttempts).All(pair => Same(pair.First, pair.Second)))
            return "an ended attempt changed";
        var sameRun = now.Attempt == before.Attempt && now.EndedAttempts.Length == before.EndedAttempts.Length;
        if (sameRun && before.Tasks.Zip(now.Tasks).Any(pair => TaskLifecycle.Merge(pair.First.Status, pair.Second.Status) != pair.Second.Status))
            return "a task went backwards";
        return null;
    }

    private static bool Same(EndedAttempt one, EndedAttempt other) => one.Attempt == other.Attempt && one.Why == other.Why && one.Logs.SequenceEqual(other.Logs);
}
