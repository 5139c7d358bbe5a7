using System.Globalization;
using System.Text;
using Builds.Workers;

namespace Builds.Commands.Workers;

/// <summary>Workers in plain lines for people.</summary>
internal static class WorkerText
{
    private const int MostShown = 4;
    private static readonly string[] Headings = ["NAME", "STATUS", "SLOTS", "POOL", "IMAGES", "LABELS", "VERSION", "HEARD"];

    /// <summary>A table, with the jobs and the drain of a worker below its line.</summary>
    public static string Table(IReadOnlyCollection<WorkerModel> workers, DateTimeOffset now)
    {
        var rows = workers.Select(worker => Cells(worker, now)).Prepend(Headings).ToList();
        var widths = Headings.Select((_, column) => rows.Max(row => row[column].Length)).ToArray();
        var text = new StringBuilder(Line(Headings));
        foreach (var (worker, row) in workers.Zip(rows.Skip(1)))
        {
            text.Append(Line(row));
            if (Draining(worker) is { } drain)
                text.Append($"  {drain}\n");
            foreach (var job in worker.Running)
                text.Append($"  job {job.Id}{(job.Attempt == 0 ? ", being claimed" : $", attempt {job.Attempt}")}{(job.Since is null ? "" : $", for {Span(now - Time(job.Since))}")}\n");
        }

        return text.ToString();

        string Line(string[] row) => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd() + "\n";
    }

    /// <summary>What a drain means for what runs, in one sentence; null if there is none.</summary>
    public static string? Draining(WorkerModel worker)
    {
        if (worker.DrainedSince is null)
            return worker.Leaving ? "its silo is about to stop" : null;
        var note = worker.Note is null ? "" : $": {JobText.Shown(worker.Note)}";
        var rest = worker.Running.Length == 0 ? "nothing runs" : $"{worker.Running.Length} running {(worker.Deadline is null ? "may end by themselves" : $"may go on until {Time(worker.Deadline):u}")}";
        return $"drained since {Time(worker.DrainedSince):u}{note} ({rest})";
    }

    private static string[] Cells(WorkerModel worker, DateTimeOffset now) =>
    [
        worker.Name,
        worker.Status,
        $"{worker.Running.Length}/{worker.Slots}",
        worker.Pool,
        Many(worker.Images),
        Many(worker.Labels),
        worker.Version ?? "no answer",
        worker.LastHeard is null ? "never" : $"{Span(now - Time(worker.LastHeard))} ago",
    ];

    /// <summary>In one cell of a table, so that those behind it stay in sight.</summary>
    private static string Many(IReadOnlyCollection<string> words) => words.Count switch
    {
        0 => "-",
        <= MostShown => string.Join(',', words),
        _ => string.Create(CultureInfo.InvariantCulture, $"{string.Join(',', words.Take(MostShown))} and {words.Count - MostShown} more"),
    };

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>In the unit that says most; clocks of machines differ, so that it may be less than nothing.</summary>
    internal static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 120 } => $"{Math.Max(0, (long)span.TotalSeconds)} s",
        { TotalMinutes: < 120 } => $"{(long)span.TotalMinutes} min",
        { TotalHours: < 48 } => $"{(long)span.TotalHours} h",
        _ => $"{(long)span.TotalDays} d",
    };
}
