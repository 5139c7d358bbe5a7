using System.Globalization;
using Microsoft.Extensions.Hosting;

namespace Builds.Jobs;

/// <summary>Holds a reader until a job's status changes. Ends early when the reader leaves or this silo is told to stop.</summary>
internal sealed class JobWaiting(IGrainFactory grains, TimeProvider clock, IHostApplicationLifetime lifetime)
{
    public const int MaxSeconds = 300;

    public static bool TryParseSeconds(string text, out TimeSpan atMost)
    {
        var valid = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= MaxSeconds;
        atMost = TimeSpan.FromSeconds(valid ? seconds : 0);
        return valid;
    }

    /// <summary>The job as soon as it has another status than <paramref name="known"/>, or as it is when the time is up.</summary>
    public async Task<JobSnapshot> ForOtherStatus(JobSnapshot known, TimeSpan atMost, CancellationToken cancellationToken)
    {
        var grain = grains.GetGrain<IJobGrain>(known.Id.Value);
        var begin = clock.GetTimestamp();
        var job = known;
        while (job.Status == known.Status && !job.Status.IsFinal() && atMost - clock.GetElapsedTime(begin) is var left && left > TimeSpan.Zero)
        {
            using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
            try
            {
                if (await grain.WaitForChange(job.Revision, left, leave.Token) is { } next && next.Revision > job.Revision)
                    job = next;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return job; // The silo stops: what is known now is the answer.
            }
        }

        return job;
    }
}
