using System.Collections.Immutable;
using Builds.Artifacts;
using Builds.Logs;
using Builds.Queue;
using Builds.Triggers;

namespace Builds.Jobs;

/// <summary>One task of a job, as far as it has come.</summary>
[GenerateSerializer, Immutable, Alias("TaskSnapshot")]
public sealed record TaskSnapshot([property: Id(0)] string Name, [property: Id(1)] BuildTaskStatus Status);

/// <summary>
/// An attempt that was given up: its logs end for ever at the lengths in here, whatever its worker still wrote.
/// </summary>
[GenerateSerializer, Immutable, Alias("EndedAttempt")]
public sealed record EndedAttempt(
    [property: Id(0)] int Attempt,
    [property: Id(1)] string Why,
    [property: Id(2)] ImmutableArray<LogLength> Logs);

/// <summary>A job as it was stored last. Times are UTC.</summary>
[GenerateSerializer, Immutable, Alias("JobSnapshot")]
public sealed record JobSnapshot
{
    [Id(0)] public required JobId Id { get; init; }
    /// <summary>The owner's name without the tilde.</summary>
    [Id(1)] public required string Owner { get; init; }
    [Id(2)] public required JobStatus Status { get; init; }
    /// <summary>Null unless <see cref="Status"/> is failed.</summary>
    [Id(3)] public FailReason? Reason { get; init; }
    /// <summary>One sentence for people on why it failed; null when there is nothing to say.</summary>
    [Id(4)] public string? Detail { get; init; }
    /// <summary>0 before the first claim, then 1, 2, ...</summary>
    [Id(5)] public int Attempt { get; init; }
    /// <summary>The worker of the current or last attempt; null before the first claim.</summary>
    [Id(6)] public string? Worker { get; init; }
    [Id(7)] public bool CancelRequested { get; init; }
    /// <summary>In manifest order.</summary>
    [Id(8)] public required ImmutableArray<TaskSnapshot> Tasks { get; init; }
    /// <summary>Exactly as submitted.</summary>
    [Id(9)] public required string Manifest { get; init; }
    [Id(10)] public required string Image { get; init; }
    [Id(11)] public string? Note { get; init; }
    [Id(12)] public required ImmutableArray<string> Tags { get; init; }
    [Id(13)] public required Visibility Visibility { get; init; }
    /// <summary>Whether the build may use its owner's secrets.</summary>
    [Id(14)] public bool Secrets { get; init; }
    [Id(15)] public required DateTimeOffset Created { get; init; }
    [Id(16)] public required DateTimeOffset Updated { get; init; }
    /// <summary>When the current attempt was claimed.</summary>
    [Id(17)] public DateTimeOffset? Started { get; init; }
    [Id(18)] public DateTimeOffset? Finished { get; init; }
    /// <summary>Earlier attempts, oldest first.</summary>
    [Id(19)] public ImmutableArray<EndedAttempt> EndedAttempts { get; init; } = [];
    /// <summary>In manifest order, ids 1 to n.</summary>
    [Id(20)] public ImmutableArray<Artifact> Artifacts { get; init; } = [];
    /// <summary>Grows by one with every stored change: what a waiting reader compares.</summary>
    [Id(21)] public int Revision { get; init; }
    /// <summary>The group that it is a member of, or null.</summary>
    [Id(22)] public int? Group { get; init; }
    /// <summary>What was decided about it, oldest first; long ones are folded in the middle.</summary>
    [Id(23)] public ImmutableArray<JobEvent> Timeline { get; init; } = [];
    /// <summary>-10 to 10.</summary>
    [Id(24)] public int Priority { get; init; }
    [Id(25)] public string Pool { get; init; } = Placement.DefaultPool;
    /// <summary>In the order of the submission, each once.</summary>
    [Id(26)] public ImmutableArray<string> Labels { get; init; } = [];
    /// <summary>Since when its artifacts are too old to be read; null: they are there. They stay listed.</summary>
    [Id(27)] public DateTimeOffset? ArtifactsExpired { get; init; }
    /// <summary>Since when its logs are too old to be read; null: they are there.</summary>
    [Id(28)] public DateTimeOffset? LogsExpired { get; init; }
    /// <summary>The triggers that fired at its end, in manifest order; empty before.</summary>
    [Id(29)] public ImmutableArray<TriggerDelivery> Triggers { get; init; } = [];
    /// <summary>Its group does not know yet that it ended. For the outbox.</summary>
    [Id(30)] public bool TellGroup { get; init; }
    /// <summary>What the current or last attempt has checked out, in manifest order.</summary>
    [Id(32)] public ImmutableArray<SourceCommit> Sources { get; init; } = [];
    /// <summary>The scopes of the token that its builds get, as <c>oauth</c> asks for and its submitter may grant; none: no token.</summary>
    [Id(33)] public ImmutableArray<string> Grants { get; init; } = [];
}
