using System.Collections.Immutable;
using System.Text.Json;
using Builds.Cluster;
using Builds.Jobs;
using Builds.Logs;

namespace Builds.Stores;

/// <summary>
/// Where the logs of attempts lie: <c>ROOT/MILLIONS/THOUSANDS/JOB/ATTEMPT/</c>, so that no directory gets more than a few thousand
/// entries. In it <c>setup.open</c> or <c>task-NAME.open</c> while a log may grow, <c>….log</c> once it is sealed, and
/// <c>closed.json</c> when the attempt was given up: it holds the lengths that count from then on.
/// </summary>
internal sealed class LogPaths(string root)
{
    private const string Setup = "setup";
    private const string TaskPrefix = "task-";
    private const string OpenSuffix = ".open";
    private const string SealedSuffix = ".log";
    private const string ClosedName = "closed.json";
    private const int LongestTask = 128;

    /// <summary>Absolute, without a slash at the end.</summary>
    public string Root { get; } = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));

    public string Attempt(JobId job, int attempt) => Path.Combine(Sharding.Directory(Root, job), attempt.ToString());

    public string Open(LogKey key) => Stem(key) + OpenSuffix;

    public string Sealed(LogKey key) => Stem(key) + SealedSuffix;

    /// <summary>The lengths that were fixed when the attempt was given up; null if it was not.</summary>
    public ImmutableArray<LogLength>? Closed(JobId job, int attempt)
    {
        var path = Path.Combine(Attempt(job, attempt), ClosedName);
        return File.Exists(path) ? [.. JsonSerializer.Deserialize<LogLength[]>(File.ReadAllBytes(path)) ?? []] : null;
    }

    public void WriteClosed(JobId job, int attempt, ImmutableArray<LogLength> lengths) =>
        DurableFile.Write(Path.Combine(Attempt(job, attempt), ClosedName), JsonSerializer.Serialize(lengths.ToArray()));

    /// <summary>The logs of an attempt as they lie on disk, setup first, then by name.</summary>
    public IEnumerable<(string? Task, FileInfo File)> Logs(JobId job, int attempt) =>
        new DirectoryInfo(Attempt(job, attempt)).EnumerateFiles()
            .Where(file => file.Extension is OpenSuffix or SealedSuffix)
            .Select(file => (Task: TaskOf(Path.GetFileNameWithoutExtension(file.Name)), file))
            .OrderBy(log => log.Task, StringComparer.Ordinal);

    // The prefix keeps a task from being called like another file here, and "." and ".." from being directories.
    private string Stem(LogKey key) => Path.Combine(Attempt(key.Job, key.Attempt), key.Task is { } task ? TaskPrefix + Safe(task) : Setup);

    private static string? TaskOf(string stem) => stem.StartsWith(TaskPrefix, StringComparison.Ordinal) ? stem[TaskPrefix.Length..] : null;

    private static string Safe(string task) =>
        task.Length is > 0 and <= LongestTask && task.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-' or '.')
            ? task
            : throw new ArgumentException($"'{task}' cannot name a log: 1 to {LongestTask} of A-Z, a-z, 0-9, '_', '-' and '.'", nameof(task));
}

/// <param name="Task">Null for the setup log.</param>
internal readonly record struct LogKey(JobId Job, int Attempt, string? Task)
{
    public override string ToString() => Task is null ? $"setup log of job {Job}, attempt {Attempt}" : $"log of task '{Task}' of job {Job}, attempt {Attempt}";
}
