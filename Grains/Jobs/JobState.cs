using System.Collections.Immutable;
using Builds.Artifacts;
using Builds.Queue;
using Builds.Triggers;

namespace Builds.Jobs;

/// <summary>
/// The stored record of a job, JSON in the database. Replaced whole, never changed in place. A property that is added needs a
/// default that is right for old records; one that is renamed or changes its meaning needs a higher <see cref="Schema"/>.
/// </summary>
public sealed record JobState
{
    public int Schema { get; init; } = 1;
    public JobId Id { get; init; }
    public string Owner { get; init; } = "";
    public JobStatus Status { get; init; }
    public FailReason? Reason { get; init; }
    public string? Detail { get; init; }

    /// <summary>The fencing token: 0 before the first claim.</summary>
    public int Attempt { get; init; }
    /// <summary>Attempts that ended with the loss of their worker. An attempt that was handed back does not count.</summary>
    public int Lost { get; init; }
    public string? Worker { get; init; }
    public long Incarnation { get; init; }
    public string? DispatchId { get; init; }
    /// <summary>The dispatches of the attempts that were given up: none of them claims again.</summary>
    public ImmutableArray<string> SpentDispatches { get; init; } = [];
    /// <summary>The highest sequence number heard in the current attempt.</summary>
    public int ReportSequence { get; init; }
    public bool CancelRequested { get; init; }

    public ImmutableArray<JobTaskState> Tasks { get; init; } = [];
    public string Manifest { get; init; } = "";
    public string Image { get; init; } = "";
    public string? Note { get; init; }
    public ImmutableArray<string> Tags { get; init; } = [];
    public Visibility Visibility { get; init; } = Visibility.Unlisted;
    public bool Secrets { get; init; }
    /// <summary>The scopes of the token that its builds get.</summary>
    public ImmutableArray<string> Grants { get; init; } = [];
    /// <summary>The group that it is a member of.</summary>
    public int? Group { get; init; }
    public int Priority { get; init; }
    public string Pool { get; init; } = Placement.DefaultPool;
    public ImmutableArray<string> Labels { get; init; } = [];

    public DateTimeOffset Created { get; init; }
    /// <summary>When it was queued last: its place among the waiting.</summary>
    public DateTimeOffset? QueuedAt { get; init; }
    public DateTimeOffset? Started { get; init; }
    public DateTimeOffset? Finished { get; init; }
    public DateTimeOffset Updated { get; init; }

    /// <summary>Attempts that were given up, oldest first; the last one too when the job failed with it.</summary>
    public ImmutableArray<EndedAttempt> EndedAttempts { get; init; } = [];
    public ImmutableArray<Artifact> Artifacts { get; init; } = [];
    public int Revision { get; init; }
    /// <summary>Empty in records from before there was one: read it through <see cref="JobTimeline.Of"/>.</summary>
    public ImmutableArray<JobEvent> Timeline { get; init; } = [];

    /// <summary>Since when retention shows its artifacts to nobody, its logs, and all of it. Their files go after that.</summary>
    public DateTimeOffset? ArtifactsExpired { get; init; }
    public DateTimeOffset? LogsExpired { get; init; }
    public DateTimeOffset? Deleted { get; init; }

    /// <summary>Those that fired at its end, and what became of them.</summary>
    public ImmutableArray<TriggerDelivery> Triggers { get; init; } = [];
    /// <summary>What the current or last attempt has checked out.</summary>
    public ImmutableArray<SourceCommit> Sources { get; init; } = [];
    /// <summary>Its end is still to be told to <see cref="Group"/>.</summary>
    public bool TellGroup { get; init; }
    /// <summary>When the outbox has something to do for it; null: nothing. A column too, by which it is found.</summary>
    public DateTimeOffset? TriggersDue { get; init; }

    /// <summary>False for the empty record that a grain without a row has, and for what is left of a deleted job.</summary>
    public bool Exists() => Id.Value > 0 && Deleted is null;

    public JobSnapshot ToSnapshot() => new()
    {
        Id = Id,
        Owner = Owner,
        Status = Status,
        Reason = Reason,
        Detail = Detail,
        Attempt = Attempt,
        Worker = Worker,
        CancelRequested = CancelRequested,
        Tasks = [.. Tasks.Select(task => new TaskSnapshot(task.Name, task.Status))],
        Manifest = Manifest,
        Image = Image,
        Note = Note,
        Tags = Tags,
        Visibility = Visibility,
        Secrets = Secrets,
        Grants = Grants,
        Created = Created,
        Updated = Updated,
        Started = Started,
        Finished = Finished,
        EndedAttempts = EndedAttempts,
        Artifacts = Artifacts,
        Revision = Revision,
        Group = Group,
        ArtifactsExpired = ArtifactsExpired,
        LogsExpired = LogsExpired,
        Timeline = JobTimeline.Of(this),
        Priority = Priority,
        Pool = Pool,
        Labels = Labels,
        Triggers = Triggers,
        Sources = Sources,
        TellGroup = TellGroup,
    };

    /// <summary>What the queue is told of a change.</summary>
    public JobHint ToHint() => new()
    {
        Id = Id,
        Owner = Owner,
        Image = Image,
        Status = Status,
        Attempt = Attempt,
        QueuedAt = QueuedAt ?? Created,
        CancelRequested = CancelRequested,
        Revision = Revision,
        Worker = Worker,
        Incarnation = Incarnation,
        Started = Started,
        Priority = Priority,
        Labels = Labels,
    };
}

public sealed record JobTaskState(string Name, BuildTaskStatus Status);
