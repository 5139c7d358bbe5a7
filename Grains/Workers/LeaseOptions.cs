using System.ComponentModel.DataAnnotations;

namespace Builds.Workers;

/// <summary>How long a worker may act without an answer from the queue, and how long the queue waits for a silent worker.</summary>
public sealed class LeaseOptions : IValidatableObject
{
    public const string Section = "Builds:Lease";

    /// <summary>How often a worker sends a heartbeat. Default 1 second.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a worker may go on after sending the last heartbeat that was answered. Default 5 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "00:10:00")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How much longer than the lease the queue waits before it gives a silent worker up: covers one frozen tick and clocks that
    /// run at different speeds. Default 1 second.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan Margin { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long another queue grain may still renew leases after a new one was activated elsewhere. Default 3 seconds. A new
    /// activation gives up a worker that it never heard of only after twice this, the lease and the margin.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan Membership { get; set; } = TimeSpan.FromSeconds(3);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Lease < 2 * Heartbeat)
            yield return new ValidationResult($"{Section}:Lease ({Lease}) must be at least twice {Section}:Heartbeat ({Heartbeat}), or one lost heartbeat ends every build");
    }
}
