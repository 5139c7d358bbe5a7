using Builds.Queue;
using Microsoft.Extensions.Logging;

namespace Builds.Jobs;

/// <summary>Why a queued job waits, if the queue says so in time: a reader of the job gets its answer in any case.</summary>
internal sealed partial class JobPlaces(IGrainFactory grains, TimeProvider clock, ILogger<JobPlaces> logger)
{
    /// <summary>The queue answers from memory.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Null if the job does not wait, or if that is not known now.</summary>
    public async Task<WaitingModel?> Of(JobSnapshot job, CancellationToken cancellationToken)
    {
        if (job.Status != JobStatus.Queued)
            return null;
        try
        {
            return await grains.GetGrain<IQueueGrain>(job.Pool).Waiting(job.Id).WaitAsync(Patience, clock, cancellationToken) is { } waiting
                ? new WaitingModel(waiting.Place, waiting.Why)
                : null;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // The job is read all the same: that nothing is said about its place misleads nobody.
            LogNotTold(error, job.Id);
            return null;
        }
    }

    [LoggerMessage(EventId = 1113, Level = LogLevel.Debug, Message = "Job {JobId}: the queue did not say why it waits")]
    private partial void LogNotTold(Exception error, JobId jobId);
}
