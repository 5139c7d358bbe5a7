using System.Text.Json;

namespace Builds.Tests.Chaos;

/// <summary>Looks at jobs and workers side by side, of a cluster that is in no trouble.</summary>
internal sealed class Vigil(Callers callers, Records records, Action<string> mistaken)
{
    /// <summary>Without a heartbeat for longer the queue does not count on a worker; answers tell whole seconds.</summary>
    private static readonly TimeSpan Heard = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly LeaseWatch leases = new(mistaken);
    private readonly long begin = TimeProvider.System.GetTimestamp();

    /// <summary>One look; without an answer it is none.</summary>
    /// <param name="dispatch">Told what waits beside which slots; null: nobody.</param>
    public async Task Look(Random random, DispatchWatch? dispatch = null)
    {
        var began = Now;
        await records.Look();
        if (await callers.Ask(random, HttpMethod.Get, "/api/workers", patience: Patience) is not { Status: 200 } answer)
            return;
        var workers = JsonSerializer.Deserialize<WorkersShown>(answer.Body, Json)!.Results;
        var now = TimeProvider.System.GetUtcNow();
        leases.Look(Now, records.All, workers.Where(worker => worker.Status != "lost").SelectMany(worker => worker.Running).Select(job => (job.Id, job.Attempt)).ToHashSet());
        // In its own words, not those of the queue, and known to the queue.
        var ready = workers.Where(worker => worker is { Status: "ready", Leaving: false, Version: not null } && worker.LastHeard is { } heard && now - heard < Heard);
        dispatch?.Look(began, Now, records.All, ready.Sum(worker => Math.Max(0, worker.Slots - worker.Running.Length)));
    }

    private TimeSpan Now => TimeProvider.System.GetElapsedTime(begin);
}

/// <summary>Workers as REST shows them.</summary>
internal sealed record WorkersShown(WorkerShown[] Results);

internal sealed record WorkerShown(string Name, string Status, int Slots, RunningShown[] Running, bool Leaving, DateTimeOffset? LastHeard, string? Version);

internal sealed record RunningShown(int Id, int Attempt);
