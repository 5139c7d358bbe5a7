using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;
using Builds.Queue;

namespace Builds.Workers;

/// <summary>The worker of this silo.</summary>
public sealed class WorkerOptions : IValidatableObject
{
    public const string Section = "Builds:Worker";

    /// <summary>How many jobs run at a time. Default: one per processor.</summary>
    [Range(0, 1000)]
    public int Slots { get; set; } = Environment.ProcessorCount;

    /// <summary>How long running jobs may finish after the first SIGTERM or SIGINT, before they are handed back. Default 1 minute.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan DrainGrace { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long a build may take to end when it is cancelled or over its time, before it counts as hung and is killed at once. Default
    /// 11 minutes: longer than the longest Builds:Execution:Grace.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan HungAfter { get; set; } = TimeSpan.FromMinutes(11);

    /// <summary>
    /// After how many builds in a row that fail through the machine itself (reason internal: a sandbox that does not start, a disk, a store)
    /// the worker takes no jobs for a while. Default 3; 0: never.
    /// </summary>
    [Range(0, 1000)]
    public int PauseAfter { get; set; } = 3;

    /// <summary>How long that pause is; each one that follows without a good build in between is twice as long. Default 1 minute.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Pause { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The longest pause. Default 30 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan LongestPause { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>The pool that this worker belongs to: it runs the jobs that were submitted to that pool, and no others. Default: default.</summary>
    public string Pool { get; set; } = Placement.DefaultPool;

    /// <summary>What this worker carries, separated by commas, for example gpu,large: jobs that ask for labels run only where all of them are. Default: none.</summary>
    public string Labels { get; set; } = "";

    /// <summary><see cref="Labels"/>, each once.</summary>
    public ImmutableArray<string> LabelList => [.. Labels.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct()];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Placement.IsName(Pool))
            yield return new ValidationResult($"{Section}:Pool is '{Pool}': a pool's name {Placement.NameRule}");
        if (LabelList.Length > Placement.MostLabels)
            yield return new ValidationResult($"{Section}:Labels has {LabelList.Length} labels: a worker may have {Placement.MostLabels}");
        foreach (var label in LabelList.Where(label => !Placement.IsName(label)))
            yield return new ValidationResult($"{Section}:Labels has '{label}': a label {Placement.NameRule}");
    }
}

/// <summary>Who this worker is.</summary>
/// <param name="Name">Stable over restarts.</param>
/// <param name="Incarnation">Grows with every start of a worker with this name, whatever the clock does.</param>
public sealed record WorkerIdentity(string Name, long Incarnation);

/// <summary>Makes the public address of a job, for <c>JOB_URL</c> (contract/manifest section 5).</summary>
public delegate string JobAddress(string owner, Builds.Jobs.JobId job);

/// <summary>CLOCK_BOOTTIME: runs on while the machine sleeps, and is the same for a silo and its sandboxes.</summary>
public interface IBootClock
{
    /// <summary>Time since boot.</summary>
    TimeSpan Now { get; }
}
