using System.ComponentModel.DataAnnotations;

namespace Builds.Queue;

public sealed class QueueOptions
{
    public const string Section = "Builds:Queue";

    /// <summary>How often the queue looks for jobs whose hint was lost, among those queued in the last minute. Default 500 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan Reconcile { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How often it compares itself with the whole catalogue of open jobs. Default 1 minute.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan FullReconcile { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long a job waits for a worker that offers its image before any worker may take it, which then fails it in setup and names
    /// the images on offer. Default 0, right for one silo: nobody else will come.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan UnofferedImage { get; set; } = TimeSpan.Zero;
}
