using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Manifests;

namespace Builds.Triggers;

/// <summary>Which triggers fire, and what a try makes of them (contract/manifest section 8): pure, without clock or I/O.</summary>
public static class TriggerRules
{
    /// <summary>How many triggers fire for one job or group: a manifest has room for hundreds, and each is a call to somebody.</summary>
    public const int Most = 32;

    /// <summary>An error is a line for people, and may quote what a stranger answered.</summary>
    private const int MostError = 300;

    /// <summary>Whether the condition holds. One that is unknown never does.</summary>
    public static bool Fires(string? condition, bool success) => condition switch
    {
        "success" => success,
        "failure" => !success,
        "always" => true,
        _ => false,
    };

    /// <summary>The job, which has just ended, with all that it has to announce: its own triggers, and its end to its group.</summary>
    public static JobState Fire(JobState job, DateTimeOffset now)
    {
        var triggers = ManifestParser.Parse(job.Manifest) is ManifestResult.Accepted { Manifest: var manifest } ? manifest.Triggers : [];
        return WithDue(job with { Triggers = Firing(triggers, job.Status == JobStatus.Success, now), TellGroup = job.Group is not null }, now);
    }

    /// <summary>The deliveries that the end of a job or group asks for, in the order of its triggers.</summary>
    public static ImmutableArray<TriggerDelivery> Firing(ImmutableArray<Trigger> triggers, bool success, DateTimeOffset now) =>
    [
        .. triggers.Select((trigger, index) => (Trigger: trigger, Number: index + 1)).Where(each => Fires(each.Trigger.Condition, success)).Select((each, place) =>
        {
            var delivery = new TriggerDelivery { Number = each.Number, Action = each.Trigger.Action, Condition = each.Trigger.Condition!, Next = now };
            return place < Most ? delivery : delivery with { Status = TriggerStatus.Failed, Error = $"at most {Most} triggers fire for one end", Next = null };
        }),
    ];

    /// <summary>The job after a try; the same reference if that is known, or not its own.</summary>
    public static JobState Tried(JobState job, TriggerReport report, DateTimeOffset now)
    {
        var triggers = Tried(job.Triggers, report, now);
        return triggers == job.Triggers ? job : WithDue(job with { Triggers = triggers }, now);
    }

    /// <summary>The job, whose group knows by now that it ended; the same reference if it did before.</summary>
    public static JobState Told(JobState job, DateTimeOffset now) => job.TellGroup ? WithDue(job with { TellGroup = false }, now) : job;

    /// <summary>The deliveries after a try; the same array if nothing changes.</summary>
    public static ImmutableArray<TriggerDelivery> Tried(ImmutableArray<TriggerDelivery> known, TriggerReport report, DateTimeOffset now)
    {
        if (known.FirstOrDefault(delivery => delivery.Number == report.Number) is not { Status: TriggerStatus.Pending } tried)
            return known;
        // Of two that tried at once, as may happen while silos come and go, one that got through has the last word.
        if (report.Attempt <= tried.Attempts && report.Status != TriggerStatus.Delivered)
            return known;
        return known.Replace(tried, tried with
        {
            Status = report.Status,
            Attempts = Math.Max(report.Attempt, tried.Attempts),
            HttpStatus = report.HttpStatus,
            Error = report.Error is { Length: > MostError } error ? error[..MostError] + "…" : report.Error,
            At = now,
            Next = report.Status == TriggerStatus.Pending ? report.Next ?? now : null,
        });
    }

    /// <summary>When the first of them is to be tried; null if none is.</summary>
    public static DateTimeOffset? Due(ImmutableArray<TriggerDelivery> deliveries) => deliveries.Min(delivery => delivery.Next);

    /// <summary>What to note of a try.</summary>
    /// <param name="source">Whose delivery it is.</param>
    /// <param name="tried">As it was before the try.</param>
    /// <param name="outcome">Of the try.</param>
    /// <param name="rules">How often to try.</param>
    /// <param name="now">The end of the try.</param>
    public static TriggerReport After(TriggerSource source, TriggerDelivery tried, TriggerOutcome outcome, TriggerOptions rules, DateTimeOffset now)
    {
        var attempt = tried.Attempts + 1;
        return outcome switch
        {
            TriggerOutcome.Delivered delivered => new TriggerReport(tried.Number, attempt, TriggerStatus.Delivered, delivered.HttpStatus, delivered.Remark, null),
            TriggerOutcome.Failed { IsFinal: false } failed when attempt < rules.MaxAttempts =>
                new TriggerReport(tried.Number, attempt, TriggerStatus.Pending, null, failed.Why, now + Pause(source, attempt, rules)),
            TriggerOutcome.Failed failed => new TriggerReport(tried.Number, attempt, TriggerStatus.Failed, null, failed.Why, null),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    /// <summary>
    /// Four times as long after each try. What failed together would come again together: up to a fifth more or less, by the number of the
    /// job, which a pure function knows where it may not draw lots. No retry library keeps its waits over a restart.
    /// </summary>
    private static TimeSpan Pause(TriggerSource source, int attempt, TriggerOptions rules)
    {
        var pause = Math.Min(rules.FirstRetry.TotalSeconds * Math.Pow(4, attempt - 1), rules.LongestRetry.TotalSeconds);
        var lot = (uint)HashCodeOf(source.Id, attempt) % 401 / 1000.0 - 0.2;
        return TimeSpan.FromSeconds(pause * (1 + lot));
    }

    // Fibonacci hashing: neighbours come far apart.
    private static int HashCodeOf(int id, int attempt) => unchecked((int)((uint)(id * 31 + attempt) * 2654435769u >> 7));

    private static JobState WithDue(JobState job, DateTimeOffset now) => job with { TriggersDue = job.TellGroup ? now : Due(job.Triggers) };
}
