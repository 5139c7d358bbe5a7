using System.Globalization;
using System.Text;
using Builds.Jobs;
using Builds.Workers;

namespace Builds.Triggers;

/// <summary>Subject and text of an e-mail (contract/manifest section 8).</summary>
internal static class EmailText
{
    private const string Service = "builds";

    public static string Subject(TriggerSubject subject) => subject switch
    {
        TriggerSubject.OfJob(var job) => OneLine($"[{(job.Tags.IsEmpty ? Service : Tags(job))}] build {job.Status.Word()}"),
        TriggerSubject.OfGroup(var group, _) => $"[{Service}] build group {Status(group).Word()}",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    public static string Body(TriggerSubject subject, JobAddress address) => subject switch
    {
        TriggerSubject.OfJob(var job) => OfJob(job, address),
        TriggerSubject.OfGroup(var group, var members) => OfGroup(group, members, address),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static string OfJob(JobSnapshot job, JobAddress address)
    {
        var text = new StringBuilder($"{(job.Tags.IsEmpty ? "Job" : Tags(job))} #{job.Id}: {Upper(job.Status)} in {Duration(job)}\n");
        Note(text, job.Note);
        text.Append($"\n{address(job.Owner, job.Id)}\n");
        var tasks = job.Tasks.Where(task => !task.Name.StartsWith('_')).Select(task => $"{Mark(task.Status)} {task.Name}").ToList();
        if (tasks.Count > 0)
            text.Append($"\n{string.Join("  ", tasks)}\n");
        return text.ToString();
    }

    private static string OfGroup(JobGroupEnd group, IEnumerable<JobSnapshot> members, JobAddress address)
    {
        var text = new StringBuilder($"Group #{group.Group.Id}: {Upper(Status(group))}\n");
        Note(text, group.Group.Note);
        text.Append('\n');
        foreach (var job in members)
            text.Append($"{(job.Status == JobStatus.Success ? "✓" : "✗")} {(job.Tags.IsEmpty ? "Job" : Tags(job))} #{job.Id}: {address(job.Owner, job.Id)}\n");
        return text.ToString();
    }

    private static void Note(StringBuilder text, string? note)
    {
        if (!string.IsNullOrWhiteSpace(note))
            text.Append('\n').Append(note.ReplaceLineEndings("\n").TrimEnd()).Append('\n');
    }

    private static JobStatus Status(JobGroupEnd group) => group.Success ? JobStatus.Success : JobStatus.Failed;

    private static string Tags(JobSnapshot job) => string.Join('/', job.Tags);

    private static string Upper(JobStatus status) => status.Word().ToUpperInvariant();

    private static string Mark(BuildTaskStatus status) => status switch
    {
        BuildTaskStatus.Success => "✓",
        BuildTaskStatus.Failed => "✗",
        BuildTaskStatus.Pending or BuildTaskStatus.Running or BuildTaskStatus.Skipped => "-",
    };

    /// <summary>Of the last attempt; of a job that never ran, of its wait.</summary>
    private static string Duration(JobSnapshot job)
    {
        var length = (job.Finished ?? job.Updated) - (job.Started ?? job.Created);
        return length.TotalHours >= 1 ? $"{(int)length.TotalHours}h{length.Minutes}m{length.Seconds}s"
            : length.TotalMinutes >= 1 ? $"{length.Minutes}m{length.Seconds}s"
            : string.Create(CultureInfo.InvariantCulture, $"{Math.Max(length.TotalSeconds, 0):0.#}s");
    }

    /// <summary>A header is one line, whatever a door let in as a tag.</summary>
    private static string OneLine(string text) => string.Concat(text.Select(letter => char.IsControl(letter) ? ' ' : letter));
}
