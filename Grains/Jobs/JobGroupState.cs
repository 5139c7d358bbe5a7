using System.Collections.Immutable;
using Builds.Triggers;

namespace Builds.Jobs;

/// <summary>The stored record of a group. Replaced whole, never changed in place.</summary>
public sealed record JobGroupState
{
    public int Schema { get; init; } = 1;
    /// <summary>0 if there is no such group.</summary>
    public int Id { get; init; }
    public string Owner { get; init; } = "";
    public string? Note { get; init; }
    public ImmutableArray<JobId> Jobs { get; init; } = [];
    public ImmutableArray<JobGroupTrigger> Triggers { get; init; } = [];
    public bool Execute { get; init; }
    /// <summary>True once every job is a member, and started if that was asked for.</summary>
    public bool Formed { get; init; }

    /// <summary>When its last member was found to have ended; null before.</summary>
    public DateTimeOffset? Ended { get; init; }
    /// <summary>Whether all members were a success, once it has ended.</summary>
    public bool Success { get; init; }
    /// <summary>Of <see cref="Triggers"/> those that fired, and what became of them.</summary>
    public ImmutableArray<TriggerDelivery> Deliveries { get; init; } = [];
    /// <inheritdoc cref="JobState.TriggersDue"/>
    public DateTimeOffset? TriggersDue { get; init; }

    public bool Exists() => Id > 0;

    public JobGroup ToGroup() => new(Id, Owner, Note, Jobs, Triggers);

    public static JobGroupState From(JobGroupSubmission submission) => new()
    {
        Id = submission.Id,
        Owner = submission.Owner,
        Note = submission.Note,
        Jobs = submission.Jobs,
        Triggers = submission.Triggers,
        Execute = submission.Execute,
    };
}
