using System.Text;
using Builds.Jobs;

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
        text.Append("tasks:\n");
        foreach (var task in job.Tasks)
            text.Append($"  {task.Name}: {task.Status}\n");
        foreach (var (artifact, index) in artifacts.Select((artifact, index) => (artifact, index)))
            text.Append(index == 0 ? "artifacts:\n" : "").Append($"  {Shown(artifact.Path)}, {artifact.Size} bytes: {artifact.Url}\n");
        return text.ToString();
    }

    private static string Status(JobModel job) => job.Reason is null ? job.Status : $"{job.Status} ({job.Reason})";

    // A note is anybody's text: it must not talk to the terminal.
    private static string Shown(string text) => string.Concat(text.Select(c => char.IsControl(c) && c != '\n' ? '\ufffd' : c));
}
