using System.Globalization;
using Builds.Jobs;

namespace Builds.Stores.S3;

/// <summary>
/// Where the logs of attempts lie: <c>logs/MILLIONS/THOUSANDS/JOB/ATTEMPT/</c>. A log called <c>setup</c> or <c>task-NAME</c> is
/// <list type="bullet">
/// <item><c>…/begun</c>, which makes its writer the only one;</item>
/// <item><c>…/s-OFFSET</c>, a segment: what was appended when the log had OFFSET bytes. Whoever wants to go on from OFFSET has to write the object of that name, on condition that
/// it is not there, so that of a writer and others who end the log exactly one does. An empty one is the end: nothing follows;</item>
/// <item><c>…/log</c>, where there were many segments: the same bytes in one object, once the end is written.</item>
/// </list>
/// Their names sort in this order: who lists a log sees first whether it is whole. Beside the logs: <c>closing</c>, after which none begins, and <c>closed.json</c>, the lengths that
/// count from then on. No object of a log is ever written twice with other bytes, and the end and the segment before it are never deleted while the job has logs.
/// </summary>
internal static class LogObjects
{
    public const string Begun = "begun";
    public const string Whole = "log";

    private const string Setup = "setup";
    private const string TaskPrefix = "task-";
    private const string SegmentPrefix = "s-";

    /// <summary>Of all logs of a job; ends with a slash.</summary>
    public static string Job(JobId job) => $"{Sharding.Directory("logs", job)}/";

    /// <summary>Ends with a slash.</summary>
    public static string Attempt(JobId job, int attempt) => string.Create(CultureInfo.InvariantCulture, $"{Job(job)}{attempt}/");

    public static string Closing(JobId job, int attempt) => Attempt(job, attempt) + "closing";

    public static string Closed(JobId job, int attempt) => Attempt(job, attempt) + "closed.json";

    /// <summary>Ends with a slash.</summary>
    public static string Log(LogKey key) => Attempt(key.Job, key.Attempt) + (key.Task is { } task ? TaskPrefix + LogPaths.Safe(task) : Setup) + "/";

    public static string Segment(LogKey key, long offset) => string.Create(CultureInfo.InvariantCulture, $"{Log(key)}{SegmentPrefix}{offset:D19}");

    /// <summary>Null if it is no segment.</summary>
    public static long? Offset(string objectKey)
    {
        var name = objectKey[(objectKey.LastIndexOf('/') + 1)..];
        return name.StartsWith(SegmentPrefix, StringComparison.Ordinal) && long.TryParse(name[SegmentPrefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
            ? offset
            : null;
    }

    /// <summary>The task of a log's folder (null for setup); false for another folder.</summary>
    public static bool TryTask(string folder, out string? task)
    {
        task = folder.StartsWith(TaskPrefix, StringComparison.Ordinal) ? folder[TaskPrefix.Length..] : null;
        return task is not null || folder == Setup;
    }
}
