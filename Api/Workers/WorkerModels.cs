using System.Collections.Immutable;
using Builds.Queue;

namespace Builds.Workers;

/// <summary>A worker, as an operator sees it.</summary>
/// <param name="Status">ready, draining, drained, or lost: silent for longer than its lease.</param>
/// <param name="Running">Every slot that is taken, by job.</param>
/// <param name="Note">Why it is drained.</param>
/// <param name="DrainedSince">Null unless an operator drained it.</param>
/// <param name="Deadline">When what still runs is handed back; null: never.</param>
/// <param name="Leaving">Its silo is about to stop.</param>
/// <param name="LastHeard">When its last heartbeat reached the queue; null before the first one.</param>
/// <param name="Version">Of its silo; null while it does not answer.</param>
public sealed record WorkerModel(
    string Name,
    string Status,
    int Slots,
    ImmutableArray<RunningJobModel> Running,
    ImmutableArray<string> Images,
    string Pool,
    ImmutableArray<string> Labels,
    string? Note,
    string? DrainedSince,
    string? Deadline,
    bool Leaving,
    string? LastHeard,
    string? Version)
{
    /// <summary>In its own words.</summary>
    /// <param name="heard">When the queue heard of it last.</param>
    public static WorkerModel From(WorkerReport worker, DateTimeOffset? heard) => new(
        worker.Name,
        worker.Status.Word(),
        worker.Slots,
        [.. worker.Running.Select(job => new RunningJobModel(job.Job.Value, job.Attempt, ApiTime.Text(job.Since)))],
        worker.Images,
        worker.Pool,
        worker.Labels,
        worker.Drain?.Note,
        ApiTime.Text(worker.Drain?.Since),
        ApiTime.Text(worker.Drain?.Deadline),
        worker.Leaving,
        ApiTime.Text(heard),
        worker.Version);

    /// <summary>As the queue of its pool knows it, where it does not answer itself.</summary>
    public static WorkerModel From(WorkerView worker, string pool, DateTimeOffset heard) => new(
        worker.Name,
        worker.Status.Word(),
        worker.Slots,
        [.. worker.Held.Select(job => new RunningJobModel(job.Job.Value, job.Attempt, Since: null))],
        worker.Images,
        pool,
        worker.Labels,
        Note: null,
        DrainedSince: null,
        Deadline: null,
        Leaving: false,
        ApiTime.Text(heard),
        Version: null);
}

/// <summary>A job in a slot of a worker.</summary>
/// <param name="Attempt">0 while it is being claimed.</param>
/// <param name="Since">When the worker took it; null while the worker does not answer.</param>
public sealed record RunningJobModel(int Id, int Attempt, string? Since);

/// <param name="Results">By name. Lost ones are among them until the queue forgets them.</param>
public sealed record WorkerList(ImmutableArray<WorkerModel> Results);
