using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Builds.Cluster;
using Builds.Jobs;
using Builds.Logs;

namespace Builds.Stores;

/// <summary>
/// Where the logs of attempts lie: <c>ROOT/MILLIONS/THOUSANDS/JOB/ATTEMPT/</c>, so that no directory gets more than a few thousand
/// entries. A log called <c>setup</c> or <c>task-NAME</c> is one file, whose name says how it stands:
/// <list type="bullet">
/// <item><c>….open-LENGTH</c> while it may grow: what lies behind LENGTH does not exist for anybody;</item>
/// <item><c>….log</c> once it is sealed: all of it counts;</item>
/// <item><c>….closed-LENGTH</c> when the attempt was given up before that.</item>
/// </list>
/// Every step is a rename of that one name, so that of two silos that take a step at once one fails and looks again. Beside it:
/// <c>….begun</c>, empty, from the beginning of a log to its end, since a directory that is read during a rename may show neither name;
/// <c>closing</c>, after which no log begins; and <c>closed.json</c>, the lengths that count from then on.
/// </summary>
internal sealed class LogPaths(string root)
{
    private const string Setup = "setup";
    private const string TaskPrefix = "task-";
    private const string OpenSuffix = ".open";
    private const string ClosedSuffix = ".closed";
    private const string SealedSuffix = ".log";
    private const string BegunSuffix = ".begun";
    private const string ClosedName = "closed.json";
    private const int LongestTask = 128;
    private const int Looks = 1000;

    /// <summary>Absolute, without a slash at the end.</summary>
    public string Root { get; } = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));

    public string Attempt(JobId job, int attempt) => Path.Combine(Sharding.Directory(Root, job), attempt.ToString());

    public string Open(LogKey key, long length) => $"{Stem(key)}{OpenSuffix}-{length}";

    public string Closed(LogKey key, long length) => $"{Stem(key)}{ClosedSuffix}-{length}";

    public string Sealed(LogKey key) => Stem(key) + SealedSuffix;

    public string Begun(LogKey key) => Stem(key) + BegunSuffix;

    public string Closing(JobId job, int attempt) => Path.Combine(Attempt(job, attempt), "closing");

    /// <summary>The lengths that were fixed when the attempt was given up; null if it was not.</summary>
    public ImmutableArray<LogLength>? Closed(JobId job, int attempt)
    {
        var path = Path.Combine(Attempt(job, attempt), ClosedName);
        return File.Exists(path) ? [.. JsonSerializer.Deserialize<LogLength[]>(File.ReadAllBytes(path)) ?? []] : null;
    }

    /// <summary>Fixes the lengths, unless another silo did already; they are on disk when this returns.</summary>
    public void WriteClosed(JobId job, int attempt, ImmutableArray<LogLength> lengths) =>
        DurableFile.Add(Path.Combine(Attempt(job, attempt), ClosedName), JsonSerializer.Serialize(lengths.ToArray()));

    /// <summary>The tasks whose logs have begun, setup (null) first, then by name.</summary>
    public IEnumerable<string?> Tasks(JobId job, int attempt)
    {
        // Twice: a log may be missed by a look that its end crosses, for then its names change, but not by the next one.
        return Names(job, attempt).Concat(Names(job, attempt)).Select(name => name.Task).Distinct().Order(StringComparer.Ordinal);
    }

    /// <summary>How a log stands; null if there is none.</summary>
    public LogName? Find(LogKey key)
    {
        for (var look = 0; look < Looks; look++)
        {
            if (new FileInfo(Sealed(key)) is { Exists: true, Length: var whole })
                return new LogName(key.Task, LogPhase.Sealed, long.MaxValue, Sealed(key)) { Length = whole };
            var seen = Names(key.Job, key.Attempt).Where(name => name.Task == key.Task).OrderByDescending(name => (name.Phase, name.Named)).ToArray();
            if (seen is [var name, ..] && name.Phase > LogPhase.Begun)
            {
                // After a loss of power the name may be ahead of the bytes.
                if (new FileInfo(name.Path) is { Exists: true, Length: var stored })
                    return name with { Length = Math.Min(stored, name.Named) };
            }
            else if (seen.Length == 0 && !File.Exists(Begun(key)) && !File.Exists(Sealed(key)))
            {
                return null;
            }

            // It was renamed while we looked.
            Thread.Yield();
        }

        // What began without a single byte being shown when the power went: it never was.
        return null;
    }

    /// <summary>Removes what only mattered while logs might grow.</summary>
    public void Tidy(JobId job, int attempt)
    {
        foreach (var name in Names(job, attempt).Where(name => name.Phase == LogPhase.Begun).ToArray())
            File.Delete(name.Path);
        File.Delete(Closing(job, attempt));
    }

    private IEnumerable<LogName> Names(JobId job, int attempt)
    {
        var directory = Attempt(job, attempt);
        return Directory.Exists(directory) ? Directory.EnumerateFiles(directory).Select(Parse).OfType<LogName>() : [];
    }

    private static LogName? Parse(string path)
    {
        var stem = Path.GetFileNameWithoutExtension(path);
        var task = stem.StartsWith(TaskPrefix, StringComparison.Ordinal) ? stem[TaskPrefix.Length..] : null;
        if (task is null && stem != Setup)
            return null;
        return Path.GetExtension(path).Split('-') switch
        {
            [BegunSuffix] => new LogName(task, LogPhase.Begun, 0, path),
            // As an earlier version left it: all that is in it counts.
            [OpenSuffix] => new LogName(task, LogPhase.Open, long.MaxValue, path),
            [OpenSuffix, var length] => new LogName(task, LogPhase.Open, Number(length), path),
            [ClosedSuffix, var length] => new LogName(task, LogPhase.Closed, Number(length), path),
            [SealedSuffix] => new LogName(task, LogPhase.Sealed, long.MaxValue, path),
            _ => null,
        };
    }

    private static long Number(string length) => long.Parse(length, NumberStyles.None, CultureInfo.InvariantCulture);

    // The prefix keeps a task from being called like another file here, and "." and ".." from being directories.
    private string Stem(LogKey key) => Path.Combine(Attempt(key.Job, key.Attempt), key.Task is { } task ? TaskPrefix + Safe(task) : Setup);

    internal static string Safe(string task) =>
        task.Length is > 0 and <= LongestTask && task.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-' or '.')
            ? task
            : throw new ArgumentException($"'{task}' cannot name a log: 1 to {LongestTask} of A-Z, a-z, 0-9, '_', '-' and '.'", nameof(task));
}

/// <summary>How a log stands; a later one ends an earlier one.</summary>
internal enum LogPhase
{
    Begun,
    Open,
    Closed,
    Sealed,
}

/// <param name="Named">How many bytes the name shows; beyond every file where it shows all of them.</param>
internal readonly record struct LogName(string? Task, LogPhase Phase, long Named, string Path)
{
    /// <summary>Visible bytes.</summary>
    public long Length { get; init; }
}

/// <param name="Task">Null for the setup log.</param>
internal readonly record struct LogKey(JobId Job, int Attempt, string? Task)
{
    public override string ToString() => Task is null ? $"setup log of job {Job}, attempt {Attempt}" : $"log of task '{Task}' of job {Job}, attempt {Attempt}";
}
