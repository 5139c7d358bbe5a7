using System.Collections.Immutable;
using Builds.Manifests;
using Builds.Triggers;

namespace Builds.Jobs;

/// <summary>
/// Some jobs of one owner that are started, cancelled and announced together (contract/rest section 5.8). Keyed by
/// <see cref="JobGroupKey"/>. The group knows its members for good; what each of them does is the member's own business.
/// </summary>
[Alias("IJobGroupGrain")]
public interface IJobGroupGrain : IGrainWithStringKey
{
    /// <summary>
    /// Makes the group of all these jobs, or of none. A repeat changes nothing and answers the group as it is. After an exception the
    /// group may exist; if it does, the next call to it completes it.
    /// </summary>
    [Alias("Create")]
    Task<JobGroupResult> Create(JobGroupSubmission submission);

    /// <summary>Null if there is no such group.</summary>
    [Alias("Get")]
    Task<JobGroup?> Get();

    /// <summary>Queues the members that are pending. A repeat does nothing more. Null if there is no such group.</summary>
    [Alias("Start")]
    Task<JobGroup?> Start();

    /// <summary>Cancels every member that has not ended. A repeat does nothing more. Null if there is no such group.</summary>
    [Alias("Cancel")]
    Task<JobGroup?> Cancel();

    /// <summary>
    /// A member has ended. With the last one the group has: it is a success if all of them are, and its triggers fire. A repeat, and no such
    /// group: no effect. For the outbox, as are the next two.
    /// </summary>
    [Alias("MemberEnded")]
    Task MemberEnded();

    /// <summary>Null before the end.</summary>
    [Alias("GetEnd")]
    Task<JobGroupEnd?> GetEnd();

    /// <summary>What came of a try to deliver one of its triggers, as <see cref="IJobGrain.TriggerTried"/> has it.</summary>
    [Alias("TriggerTried")]
    Task TriggerTried(TriggerReport report);
}

/// <summary>Keys of <see cref="IJobGroupGrain"/>.</summary>
public static class JobGroupKey
{
    public static string For(int group) => $"group-{group}";
}

/// <summary>What a door hands over to make a group.</summary>
[GenerateSerializer, Immutable, Alias("JobGroupSubmission")]
public sealed record JobGroupSubmission
{
    [Id(0)] public required int Id { get; init; }
    /// <summary>Without the tilde.</summary>
    [Id(1)] public required string Owner { get; init; }
    /// <summary>Each once, at least one.</summary>
    [Id(2)] public required ImmutableArray<JobId> Jobs { get; init; }
    [Id(3)] public string? Note { get; init; }
    [Id(4)] public ImmutableArray<JobGroupTrigger> Triggers { get; init; } = [];
    /// <summary>True: the jobs are queued as soon as they are together.</summary>
    [Id(5)] public bool Execute { get; init; }
}

/// <summary>What is to be done when all jobs of a group have ended.</summary>
/// <param name="Action">email or webhook.</param>
/// <param name="Condition">success, failure or always.</param>
/// <param name="Settings">email: to, and perhaps cc and in_reply_to; webhook: url.</param>
[GenerateSerializer, Immutable, Alias("JobGroupTrigger")]
public sealed record JobGroupTrigger(
    [property: Id(0)] string Action,
    [property: Id(1)] string Condition,
    [property: Id(2)] ImmutableArray<KeyValuePair<string, string>> Settings)
{
    /// <summary>The same in a manifest's form.</summary>
    public Trigger ToTrigger() => new(Action, Condition, Settings);
}

/// <param name="Owner">Without the tilde.</param>
/// <param name="Jobs">In the order in which they were named.</param>
[GenerateSerializer, Immutable, Alias("JobGroup")]
public sealed record JobGroup(
    [property: Id(0)] int Id,
    [property: Id(1)] string Owner,
    [property: Id(2)] string? Note,
    [property: Id(3)] ImmutableArray<JobId> Jobs,
    [property: Id(4)] ImmutableArray<JobGroupTrigger> Triggers);

/// <param name="Success">Whether every member was a success.</param>
/// <param name="Triggers">Those that fired, in the order of the group's.</param>
[GenerateSerializer, Immutable, Alias("JobGroupEnd")]
public sealed record JobGroupEnd(
    [property: Id(0)] JobGroup Group,
    [property: Id(1)] bool Success,
    [property: Id(2)] DateTimeOffset Ended,
    [property: Id(3)] ImmutableArray<TriggerDelivery> Triggers);

/// <summary>The answer to the wish to make a group.</summary>
[GenerateSerializer, Immutable, Alias("JobGroupResult")]
public abstract record JobGroupResult
{
    private JobGroupResult() { }

    [GenerateSerializer, Immutable, Alias("JobGroupResult.Created")]
    public sealed record Created([property: Id(0)] JobGroup Group) : JobGroupResult;

    /// <summary>There is no group: these jobs cannot be in one.</summary>
    [GenerateSerializer, Immutable, Alias("JobGroupResult.Refused")]
    public sealed record Refused([property: Id(0)] ImmutableArray<UngroupableJob> Jobs) : JobGroupResult;
}

[GenerateSerializer, Immutable, Alias("UngroupableJob")]
public sealed record UngroupableJob([property: Id(0)] JobId Job, [property: Id(1)] JoinResult Why);

/// <summary>A job's answer to a group that wants it. The numbers are on the wire: never reuse one.</summary>
[GenerateSerializer, Alias("JoinResult")]
public enum JoinResult
{
    /// <summary>It is a member, now or before.</summary>
    Joined = 0,
    /// <summary>There is no such job of the group's owner.</summary>
    NotFound = 1,
    NotPending = 2,
    InOtherGroup = 3,
}
