using System.Collections.Immutable;
using Builds.Requests;

namespace Builds.Jobs;

/// <summary>Reads and validates what POST /api/job-group sends.</summary>
internal static class JobGroupRequest
{
    /// <summary>Each member costs a write or two within one request.</summary>
    private const int MostJobs = 256;

    /// <summary>Null when <paramref name="fields"/> has collected mistakes. The id is still to be given.</summary>
    public static JobGroupSubmission? Read(RequestFields fields, string owner)
    {
        var jobs = Jobs(fields);
        var triggers = Triggers(fields);
        var note = JobNote.Read(fields);
        var execute = fields.Flag("execute") ?? false;
        return fields.IsValid
            ? new JobGroupSubmission { Id = 0, Owner = owner, Jobs = jobs, Note = note, Triggers = triggers, Execute = execute }
            : null;
    }

    /// <summary>Why a job cannot be a member, in words.</summary>
    public static string Reason(UngroupableJob job) => $"Job {job.Job} cannot join: each job must be yours, pending and in no group yet, and this one is " + job.Why switch
    {
        JoinResult.NotFound => "no job of yours",
        JoinResult.NotPending => "not pending",
        JoinResult.InOtherGroup => "in another group",
        JoinResult.Joined => throw new ArgumentException($"job {job.Job} has joined", nameof(job)),
    };

    private static ImmutableArray<JobId> Jobs(RequestFields fields)
    {
        if (fields.List("jobs") is not { Length: > 0 } list)
        {
            fields.Refuse("jobs", "jobs is required");
            return [];
        }

        var numbers = list.Select(fields.WholeOrNull).ToList();
        if (numbers.Any(number => number is null))
            fields.Refuse("jobs", "Expected jobs to be an array of integers (job IDs)");
        else if (list.Length > MostJobs)
            fields.Refuse("jobs", $"a group may have at most {MostJobs} jobs, not {list.Length}");
        foreach (var number in numbers.Where(number => number is < 1 or > int.MaxValue))
            fields.Refuse("jobs", $"{number} is no job id: a whole number from 1 to {int.MaxValue}");
        return fields.IsValid ? [.. numbers.Select(number => new JobId((int)number!)).Distinct()] : [];
    }

    private static ImmutableArray<JobGroupTrigger> Triggers(RequestFields fields)
    {
        var list = fields.List("triggers") ?? [];
        if (list.Any(trigger => trigger is not FieldValue.Map))
            fields.Refuse("triggers", "Expected triggers to be an array of triggers");
        return [.. list.OfType<FieldValue.Map>().Select(trigger => Trigger(fields, trigger.Fields)).OfType<JobGroupTrigger>()];
    }

    private static JobGroupTrigger? Trigger(RequestFields fields, ImmutableDictionary<string, FieldValue> trigger)
    {
        var (action, condition) = (TextOf("action"), TextOf("condition"));
        (string Required, string[] Optional)? keys = action switch
        {
            "email" => ("to", ["cc", "in_reply_to"]),
            "webhook" => ("url", []),
            _ => null,
        };
        if (keys is not { } known)
            fields.Refuse("triggers", $"action of a trigger must be email or webhook, not '{action}'");
        else if (condition is not ("success" or "failure" or "always"))
            fields.Refuse("triggers", $"condition of a trigger must be success, failure or always, not '{condition}'");
        else if (string.IsNullOrEmpty(TextOf(known.Required)))
            fields.Refuse("triggers", $"a trigger with the action {action} needs {known.Required}, a text");
        else
            return new JobGroupTrigger(action!, condition, [.. new[] { known.Required }.Concat(known.Optional).Where(HasText).Select(key => KeyValuePair.Create(key, TextOf(key)!))]);
        return null;

        string? TextOf(string key) => (trigger.GetValueOrDefault(key) as FieldValue.Text)?.Value;
        bool HasText(string key) => !string.IsNullOrEmpty(TextOf(key));
    }
}
