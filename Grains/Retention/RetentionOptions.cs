using System.ComponentModel.DataAnnotations;

namespace Builds.Retention;

/// <summary>How long the service keeps what jobs left behind. Only jobs that have ended are touched. What is set to nothing is kept for ever.</summary>
public sealed class RetentionOptions
{
    public const string Section = "Builds:Retention";

    /// <summary>
    /// The shortest age, and the age below which no job is deleted by count either: longer than an Idempotency-Key is remembered, or a
    /// repeated submission could bring a deleted job back.
    /// </summary>
    public static readonly TimeSpan Youngest = TimeSpan.FromDays(2);

    /// <summary>How long after a job's end its artifacts can be downloaded. They stay listed. Default 90 days; empty: for ever.</summary>
    [Range(typeof(TimeSpan), "2.00:00:00", "36500.00:00:00")]
    public TimeSpan? ArtifactAge { get; set; } = TimeSpan.FromDays(90);

    /// <summary>How long after a job's end its logs can be read. Default: for ever.</summary>
    [Range(typeof(TimeSpan), "2.00:00:00", "36500.00:00:00")]
    public TimeSpan? LogAge { get; set; }

    /// <summary>How long after its end a job is kept at all; then nothing of it is left, as if it had never been. Default: for ever.</summary>
    [Range(typeof(TimeSpan), "2.00:00:00", "36500.00:00:00")]
    public TimeSpan? JobAge { get; set; }

    /// <summary>How many jobs each owner may have; beyond that the oldest that ended two days ago or earlier are deleted. Default: any number.</summary>
    [Range(1, 100_000_000)]
    public int? JobsPerOwner { get; set; }

    /// <summary>How long after a round of deleting the next one begins. Default 1 hour.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "7.00:00:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromHours(1);
}
