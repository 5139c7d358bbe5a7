using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Manifests;

namespace Builds.Triggers;

/// <summary>
/// Carries out one kind of action. Called on the pool, many times at once; the same order may come again, after a crash even if it was
/// delivered. A silo without any delivers nothing.
/// </summary>
public interface ITriggerSender
{
    /// <summary>email or webhook.</summary>
    string Action { get; }

    /// <summary>Where an order goes, so that not too many go there at a time. Any text for one that cannot go anywhere.</summary>
    string Place(TriggerOrder order);

    /// <summary>Tries once. Expected failures are outcomes; the limit of time is the token's, and what it ends counts as failed.</summary>
    Task<TriggerOutcome> Send(TriggerOrder order, CancellationToken cancellationToken);
}

/// <summary>What is to be delivered. Its settings may hold what only their owner should see, so it does not print them.</summary>
public sealed class TriggerOrder(TriggerSource source, TriggerDelivery delivery, Trigger trigger, TriggerSubject subject)
{
    public TriggerSubject Subject => subject;

    public string Action => delivery.Action;

    /// <summary>The same for each try: which of whose triggers it is, and at which end. A job ends once.</summary>
    public string Occasion => $"{source}, trigger {delivery.Number}, {subject.Ended.UtcTicks}";

    /// <summary>A key of the trigger; null if it has none of that name, or an empty one.</summary>
    public string? Setting(string key) => trigger.Settings.LastOrDefault(setting => setting.Key == key).Value is { Length: > 0 } value ? value : null;

    public override string ToString() => $"{delivery.Action} of {source}, trigger {delivery.Number}";
}

/// <summary>What has ended.</summary>
public abstract record TriggerSubject
{
    private TriggerSubject() { }

    public abstract DateTimeOffset Ended { get; }

    public sealed record OfJob(JobSnapshot Job) : TriggerSubject
    {
        public override DateTimeOffset Ended => Job.Finished ?? Job.Updated;
    }

    /// <param name="Members">In the order of the group, as they are now: those that were deleted meanwhile are left out.</param>
    public sealed record OfGroup(JobGroupEnd Group, ImmutableArray<JobSnapshot> Members) : TriggerSubject
    {
        public override DateTimeOffset Ended => Group.Ended;
    }
}

/// <summary>What came of a try.</summary>
public abstract record TriggerOutcome
{
    private TriggerOutcome() { }

    /// <param name="HttpStatus">The answer of a webhook's target; any counts as delivered.</param>
    /// <param name="Remark">What is odd about it, for people.</param>
    public sealed record Delivered(int? HttpStatus = null, string? Remark = null) : TriggerOutcome;

    /// <param name="Why">For people: never a setting of the trigger, which may hold a secret.</param>
    /// <param name="IsFinal">Trying again would not help.</param>
    public sealed record Failed(string Why, bool IsFinal = false) : TriggerOutcome;
}
