using System.Text;
using Builds.Jobs;
using Builds.Triggers;

namespace Builds.Commands;

/// <summary>Jobs in plain lines for people.</summary>
internal static class JobText
{
    /// <summary>One line: number, status, tags and the first line of the note.</summary>
    public static string Line(JobModel job)
    {
        var note = job.Note?.Split('\n', 2)[0] ?? "";
        return $"{job.Id,6}  {Status(job),-22}  {job.Tags}{(job.Tags.Length > 0 && note.Length > 0 ? "  " : "")}{Shown(note)}".TrimEnd();
    }

    /// <summary>All that a server tells of a job.</summary>
    public static string Of(JobModel job, IEnumerable<ArtifactModel> artifacts)
    {
        var text = new StringBuilder($"job {job.Id}: {Status(job)}\n");
        text.Append($"owner: {job.Owner.CanonicalName}\n");
        if (job.Tags.Length > 0)
            text.Append($"tags: {job.Tags}\n");
        if (job.Runner is not null)
            text.Append($"runner: {job.Runner}\n");
        if (job.Note is not null)
            text.Append($"note: {Shown(job.Note.ReplaceLineEndings("\n      "))}\n");
        if (job.Waiting is { } waiting)
            text.Append($"waiting: place {waiting.Place}, {waiting.Why}\n");
        text.Append("tasks:\n");
        foreach (var task in job.Tasks)
            text.Append($"  {task.Name}: {task.Status}\n");
        foreach (var (artifact, index) in artifacts.Select((artifact, index) => (artifact, index)))
            text.Append(index == 0 ? "artifacts:\n" : "").Append($"  {Shown(artifact.Path)}, {artifact.Size} bytes: {artifact.Url}\n");
        // A server of before has neither.
        foreach (var (source, index) in (job.Sources.IsDefault ? [] : job.Sources).Select((source, index) => (source, index)))
            text.Append(index == 0 ? "sources:\n" : "").Append($"  {Shown(source.Source)}: {source.Commit}\n");
        foreach (var (trigger, index) in (job.Triggers.IsDefault ? [] : job.Triggers).Select((trigger, index) => (trigger, index)))
            text.Append(index == 0 ? "triggers:\n" : "").Append($"  {trigger.Number}. {Trigger(trigger)}\n");
        return text.ToString();
    }

    private static string Trigger(TriggerModel trigger)
    {
        var answer = trigger.HttpStatus is { } status ? $", answered {status}" : "";
        var tries = trigger.Attempts == 0 ? "" : trigger.Attempts == 1 ? ", tried once" : $", tried {trigger.Attempts} times";
        return $"{trigger.Action} on {trigger.Condition}: {trigger.State}{answer}{tries}{(trigger.Error is null ? "" : $": {Shown(trigger.Error)}")}";
    }

    /// <summary>What was decided, a line each; nothing if there are no entries.</summary>
    public static string Timeline(IReadOnlyCollection<JobEventModel> entries)
    {
        var text = new StringBuilder(entries.Count > 0 ? "timeline:\n" : "");
        foreach (var entry in entries)
        {
            // The form of the server is exact, and hard on the eyes.
            var at = entry.At.Replace('T', ' ').Replace("+00:00", "Z", StringComparison.Ordinal);
            var attempt = entry.Attempt == 0 ? "" : $"  attempt {entry.Attempt}{(entry.Worker is null ? "" : $" on {entry.Worker}")}";
            var detail = entry.Detail is null ? "" : $"  {Shown(entry.Detail.ReplaceLineEndings(" "))}";
            text.Append($"  {at}  {entry.Event,-16}{attempt}{detail}".TrimEnd()).Append('\n');
        }

        return text.ToString();
    }

    private static string Status(JobModel job) => job.Reason is null ? job.Status : $"{job.Status} ({job.Reason})";

    // A note is anybody's text: it must not talk to the terminal.
    internal static string Shown(string text) => string.Concat(text.Select(c => char.IsControl(c) && c != '\n' ? '\ufffd' : c));
}
