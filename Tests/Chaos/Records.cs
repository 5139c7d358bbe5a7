using System.Collections.Concurrent;
using System.Text.Json;
using Builds.Jobs;
using Builds.Storage;
using Builds.Tests.Silos;
using Npgsql;

namespace Builds.Tests.Chaos;

/// <summary>
/// Reads the jobs' records in the database beside the silos, compares each with what it was before, and with who is alive: what is
/// committed is the truth for all.
/// </summary>
internal sealed class Records(string connectionString, Witness witness, Action<string> mistaken) : IAsyncDisposable
{
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(150);

    private readonly NpgsqlDataSource source = NpgsqlDataSource.Create(connectionString);
    private readonly ConcurrentDictionary<int, (int Version, JobState State)> known = [];
    private readonly SemaphoreSlim turn = new(1);

    public IEnumerable<JobState> All => known.Values.Select(one => one.State);

    public JobState? Of(int job) => known.TryGetValue(job, out var one) ? one.State : null;

    /// <summary>Looks until <paramref name="over"/>; while the database does not answer there is nothing to see.</summary>
    public async Task Watch(Task over)
    {
        witness.Began += began => CheckGone(Of(began.Job), began);
        using var timer = new PeriodicTimer(Often);
        while (!over.IsCompleted)
        {
            try
            {
                await Look();
            }
            catch (Exception error) when (error is NpgsqlException or TimeoutException or System.Net.Sockets.SocketException or IOException)
            {
                // Down, or on its way down; the next look will tell.
            }

            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>One look, which must succeed. One at a time: what an earlier one read must not be noted after a later one.</summary>
    public async Task Look()
    {
        await turn.WaitAsync();
        try
        {
            await LookNow();
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task LookNow()
    {
        var changed = new List<int>();
        await using (var versions = source.CreateCommand("SELECT id, version FROM storage WHERE state = 'job'"))
        await using (var rows = await versions.ExecuteReaderAsync())
        {
            while (await rows.ReadAsync())
            {
                if (!known.TryGetValue(rows.GetInt32(0), out var before) || before.Version != rows.GetInt32(1))
                    changed.Add(rows.GetInt32(0));
            }
        }

        if (changed.Count == 0)
            return;
        await using var command = source.CreateCommand("SELECT version, payload FROM storage WHERE state = 'job' AND id = ANY($1)");
        command.Parameters.Add(new NpgsqlParameter { Value = changed.ToArray() });
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            Note(reader.GetInt32(0), JsonSerializer.Deserialize<JobState>(await reader.GetFieldValueAsync<byte[]>(1), StateJson.Options)!);
    }

    public async ValueTask DisposeAsync()
    {
        await source.DisposeAsync();
        turn.Dispose();
    }

    /// <summary>Compares a record with the one before it.</summary>
    public void Note(int version, JobState now)
    {
        var before = Of(now.Id.Value);
        if (RecordRules.Mistake(before, now, ChaosCluster.MaxAttempts) is { } mistake)
            mistaken($"job {now.Id}: {mistake}\nbefore: {JsonSerializer.Serialize(before, StateJson.Options)}\nnow: {JsonSerializer.Serialize(now, StateJson.Options)}");
        known[now.Id.Value] = (version, now);
        foreach (var alive in witness.AliveOf(now.Id.Value))
            CheckGone(now, alive);
    }

    /// <summary>The record was read before the look at the process: an attempt that it calls ended must not be alive any more.</summary>
    private void CheckGone(JobState? record, Presence alive)
    {
        if (record is not null && (record.EndedAttempts.Any(ended => ended.Attempt == alive.Attempt) || (record.Status.IsFinal() && alive.Attempt <= record.Attempt)))
            mistaken($"{alive} is alive although its end was stored ({record.Status}, attempt {record.Attempt}, {record.EndedAttempts.Length} given up)");
    }
}
