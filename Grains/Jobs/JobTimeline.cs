using System.Collections.Immutable;
using System.Globalization;

namespace Builds.Jobs;

/// <summary>
/// The decisions about a job, oldest first, kept in its record: pure, and bounded. A job that is handed back again and again keeps its
/// first and its newest entries; those between them become one that says how many there were.
/// </summary>
public static class JobTimeline
{
    /// <summary>Entries that a record holds at most.</summary>
    public const int Most = 200;

    /// <summary>How the job began is never folded.</summary>
    private const int KeptFirst = 20;

    /// <summary>An entry is a line, not a log.</summary>
    private const int MostDetail = 500;

    /// <summary>The job's timeline. For a record from before there was one: what its times tell.</summary>
    public static ImmutableArray<JobEvent> Of(JobState job) => job.Timeline.IsEmpty && job.Exists() ? Derive(job) : job.Timeline;

    /// <summary>The job with one more entry.</summary>
    /// <param name="job">As it is after the decision.</param>
    /// <param name="kind">What was decided.</param>
    /// <param name="at">The time of the decision.</param>
    /// <param name="detail">For people; what is longer than <see cref="MostDetail"/> characters is cut.</param>
    public static JobState With(JobState job, JobEventKind kind, DateTimeOffset at, string? detail = null) =>
        job with { Timeline = Fold(job.Timeline.Add(Entry(job, kind, at, detail))) };

    private static JobEvent Entry(JobState job, JobEventKind kind, DateTimeOffset at, string? detail) =>
        new(at, kind, job.Attempt, HasPart(job, kind) ? job.Worker : null, detail is { Length: > MostDetail } ? detail[..MostDetail] + "…" : detail);

    /// <summary>Whether the worker of the last attempt has a part in it. What ends after that attempt was given up, ends without it.</summary>
    private static bool HasPart(JobState job, JobEventKind kind) => kind switch
    {
        JobEventKind.Claimed or JobEventKind.Lost or JobEventKind.HandedBack => true,
        JobEventKind.Finished => job.EndedAttempts.LastOrDefault()?.Attempt != job.Attempt,
        JobEventKind.Submitted or JobEventKind.Started or JobEventKind.Queued or JobEventKind.CancelRequested or JobEventKind.Requeued or JobEventKind.Folded => false,
    };

    private static ImmutableArray<JobEvent> Fold(ImmutableArray<JobEvent> entries)
    {
        if (entries.Length <= Most)
            return entries;
        var known = entries[KeptFirst] is { Event: JobEventKind.Folded } earlier ? earlier : null;
        // One place for what is folded, and one more entry goes there each time.
        var going = entries.Skip(known is null ? KeptFirst : KeptFirst + 1).Take(entries.Length - Most + (known is null ? 1 : 0)).ToList();
        var (first, last) = (known ?? going[0], going[^1]);
        var count = (known?.Folded ?? 0) + going.Count;
        var folded = new JobEvent(first.At, JobEventKind.Folded, last.Attempt, null, $"{count} entries up to {Time(last.At)} are left out") { Folded = count };
        return [.. entries.Take(KeptFirst), folded, .. entries.Skip(KeptFirst + (known is null ? 0 : 1) + going.Count)];
    }

    /// <summary>Times of earlier attempts were not kept: what is known is the beginning, the last attempt and the end.</summary>
    private static ImmutableArray<JobEvent> Derive(JobState job)
    {
        var known = new List<JobEvent> { new(job.Created, JobEventKind.Submitted, 0, null, null) };
        if (job.Started is { } started)
            known.Add(new JobEvent(started, JobEventKind.Claimed, job.Attempt, job.Worker, null));
        if (job.QueuedAt is { } queued)
        {
            var last = job.EndedAttempts.LastOrDefault();
            known.Add(last is null
                ? new JobEvent(queued, JobEventKind.Queued, 0, null, null)
                : new JobEvent(queued, JobEventKind.Requeued, last.Attempt, null, Again(last.Attempt, last.Why)));
        }

        if (job.Finished is { } finished)
            known.Add(Entry(job, JobEventKind.Finished, finished, Ending(job)));
        return [.. known.OrderBy(entry => entry.At).ThenBy(entry => entry.Attempt).ThenBy(entry => entry.Event)];
    }

    /// <summary>Why a job waits again.</summary>
    public static string Again(int attempt, string why) => $"attempt {attempt} was given up: {why}";

    /// <summary>How a job ended, in one line.</summary>
    public static string Ending(JobState job) => (job.Reason, job.Detail) switch
    {
        (null, _) => job.Status.Word(),
        ({ } reason, null) => $"{job.Status.Word()} ({reason.Word()})",
        ({ } reason, { } detail) => $"{job.Status.Word()} ({reason.Word()}): {detail}",
    };

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
