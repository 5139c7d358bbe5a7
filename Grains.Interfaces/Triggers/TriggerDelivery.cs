namespace Builds.Triggers;

/// <summary>
/// A trigger that fires since its job, or job group, has ended, and what became of it. Kept in the record of the job or group, so that what
/// is still to be delivered is known as surely as the end itself.
/// </summary>
[GenerateSerializer, Immutable, Alias("TriggerDelivery")]
public sealed record TriggerDelivery
{
    /// <summary>Its place among the triggers of the manifest or group, from 1 on; those that do not fire are counted too.</summary>
    [Id(0)] public required int Number { get; init; }
    /// <summary>email or webhook.</summary>
    [Id(1)] public required string Action { get; init; }
    /// <summary>success, failure or always.</summary>
    [Id(2)] public required string Condition { get; init; }
    [Id(3)] public TriggerStatus Status { get; init; }
    /// <summary>How often it was tried.</summary>
    [Id(4)] public int Attempts { get; init; }
    /// <summary>What a webhook was answered, whatever that is; null without an answer, and for e-mail.</summary>
    [Id(5)] public int? HttpStatus { get; init; }
    /// <summary>For people: why the last try came to nothing, or what is odd about what was delivered; null if there is nothing to say.</summary>
    [Id(6)] public string? Error { get; init; }
    /// <summary>When it was tried last.</summary>
    [Id(7)] public DateTimeOffset? At { get; init; }
    /// <summary>From when on it is to be tried; null unless <see cref="TriggerStatus.Pending"/>.</summary>
    [Id(8)] public DateTimeOffset? Next { get; init; }
}

/// <summary>Where a delivery stands. The numbers are on the wire and in storage: never reuse one.</summary>
[GenerateSerializer, Alias("TriggerStatus")]
public enum TriggerStatus
{
    /// <summary>To be tried, or to be tried again.</summary>
    Pending = 0,
    /// <summary>Final: the mail server took it, or the webhook's target answered.</summary>
    Delivered = 1,
    /// <summary>Final: it cannot be delivered, or could not be for as long as the settings allow.</summary>
    Failed = 2,
}

/// <summary>What came of one try. A repeat, and what comes after a final result, changes nothing.</summary>
/// <param name="Number">Of the delivery.</param>
/// <param name="Attempt">Which try it was, from 1 on.</param>
/// <param name="Next">When to try again; null unless pending.</param>
[GenerateSerializer, Immutable, Alias("TriggerReport")]
public sealed record TriggerReport(
    [property: Id(0)] int Number,
    [property: Id(1)] int Attempt,
    [property: Id(2)] TriggerStatus Status,
    [property: Id(3)] int? HttpStatus,
    [property: Id(4)] string? Error,
    [property: Id(5)] DateTimeOffset? Next);

/// <summary>The words of <see cref="TriggerStatus"/> in answers.</summary>
public static class TriggerWords
{
    public static string Word(this TriggerStatus status) => status switch
    {
        TriggerStatus.Pending => "pending",
        TriggerStatus.Delivered => "delivered",
        TriggerStatus.Failed => "failed",
    };
}
