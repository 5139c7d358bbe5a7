using System.ComponentModel.DataAnnotations;

namespace Builds.Jobs;

/// <summary>What every job may use.</summary>
public sealed class JobOptions
{
    public const string Section = "Builds:Jobs";

    /// <summary>How long an attempt may run, everything included, before it fails with timeout. Default 45 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(45);

    /// <summary>After how many lost workers a job fails with worker-lost. Default 3.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; set; } = 3;
}
