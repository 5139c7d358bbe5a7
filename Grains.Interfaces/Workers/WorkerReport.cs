using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Queue;

namespace Builds.Workers;

/// <summary>What a worker says of itself. Times are UTC, by the clock of its silo.</summary>
[GenerateSerializer, Immutable, Alias("WorkerReport")]
public sealed record WorkerReport
{
    [Id(0)] public required string Name { get; init; }
    /// <summary>Which start of the worker this is.</summary>
    [Id(1)] public required long Incarnation { get; init; }
    [Id(2)] public required WorkerStatus Status { get; init; }
    [Id(3)] public required int Slots { get; init; }
    [Id(4)] public required ImmutableArray<string> Images { get; init; }
    /// <summary>Every slot that is taken, by job.</summary>
    [Id(5)] public required ImmutableArray<RunningJob> Running { get; init; }
    /// <summary>Of the product.</summary>
    [Id(6)] public required string Version { get; init; }
    /// <summary>Null unless an operator drained it, or it paused by itself.</summary>
    [Id(7)] public WorkerDrain? Drain { get; init; }
    /// <summary>Its silo is about to stop: it drains for good.</summary>
    [Id(8)] public bool Leaving { get; init; }
    /// <summary>The pool whose jobs it runs.</summary>
    [Id(9)] public string Pool { get; init; } = Placement.DefaultPool;
    /// <summary>What it carries; a job runs only where all of its labels are.</summary>
    [Id(10)] public ImmutableArray<string> Labels { get => field.IsDefault ? [] : field; init; } = [];
}

/// <summary>A job in a slot of a worker.</summary>
/// <param name="Attempt">0 while it is being claimed.</param>
/// <param name="Since">When the worker took it.</param>
[GenerateSerializer, Immutable, Alias("RunningJob")]
public sealed record RunningJob([property: Id(0)] JobId Job, [property: Id(1)] int Attempt, [property: Id(2)] DateTimeOffset Since);

/// <summary>That a worker is drained, by an operator or by itself.</summary>
/// <param name="Since">When that began; telling it again does not begin it anew.</param>
/// <param name="Deadline">When what still runs is handed back; null: never.</param>
/// <param name="Note">Why, for people.</param>
[GenerateSerializer, Immutable, Alias("WorkerDrain")]
public sealed record WorkerDrain(
    [property: Id(0)] DateTimeOffset Since, [property: Id(1)] DateTimeOffset? Deadline, [property: Id(2)] string? Note);

/// <summary>The answer to a wish that a worker may have to refuse.</summary>
[GenerateSerializer, Immutable, Alias("WorkerChange")]
public abstract record WorkerChange
{
    private WorkerChange() { }

    /// <summary>Done now, or so already.</summary>
    [GenerateSerializer, Immutable, Alias("WorkerChange.Done")]
    public sealed record Done([property: Id(0)] WorkerReport Worker) : WorkerChange;

    /// <summary>Its silo is about to stop, and nothing calls that off.</summary>
    [GenerateSerializer, Immutable, Alias("WorkerChange.Leaving")]
    public sealed record Leaving([property: Id(0)] WorkerReport Worker) : WorkerChange;
}
