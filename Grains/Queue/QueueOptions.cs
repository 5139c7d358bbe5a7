using System.ComponentModel.DataAnnotations;

namespace Builds.Queue;

public sealed class QueueOptions
{
    public const string Section = "Builds:Queue";

    /// <summary>How often the queue looks for jobs whose hint was lost, among those queued a moment ago. Default 500 ms.</summary>
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

    /// <summary>
    /// How many jobs of one owner may run at a time, in each pool; further ones wait. Default 0: any number. Right after the queue moved
    /// to another silo there may be more, until the workers have said what they run.
    /// </summary>
    [Range(0, 1_000_000)]
    public int RunningPerOwner { get; set; }

    /// <summary>
    /// How many jobs of one owner may wait, in each pool; a submission or a start above it is refused with 429. Default 0: any number.
    /// Members of a job group that are started together, and jobs that come back after the loss of a worker, are never refused.
    /// </summary>
    [Range(0, 10_000_000)]
    public int QueuedPerOwner { get; set; }

    /// <summary>
    /// How long a submission that was let in counts as a waiting job while that job is not heard of yet. Default 10 seconds: longer than
    /// a commit takes. Too short lets owners above their limit, too long refuses them for submissions that failed.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan AdmissionHeld { get; set; } = TimeSpan.FromSeconds(10);
}
