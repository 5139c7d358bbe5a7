using Builds.Jobs;

namespace Builds.Tests.Chaos;

/// <summary>
/// A job does not stay running without a live lease: where the database answers and no silo is in trouble, somebody has every attempt that
/// is stored as running, or it is given up. Pure; fed with looks.
/// </summary>
internal sealed class LeaseWatch(Action<string> mistaken)
{
    /// <summary>A queue that has just been activated gives a worker that it never heard of 12 seconds; the rest is for machines that have much else to do.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private Dictionary<(int Job, int Attempt), TimeSpan> unheld = [];

    /// <param name="at">The time of the look, from any beginning.</param>
    /// <param name="records">All jobs, read before the workers were asked.</param>
    /// <param name="held">What workers have that are not lost; attempt 0: one that is being claimed.</param>
    public void Look(TimeSpan at, IEnumerable<JobState> records, IReadOnlySet<(int Job, int Attempt)> held)
    {
        var now = new Dictionary<(int Job, int Attempt), TimeSpan>();
        foreach (var job in records.Where(job => job.Status == JobStatus.Running))
        {
            var attempt = (Job: job.Id.Value, job.Attempt);
            if (held.Contains(attempt) || held.Contains((attempt.Job, 0)))
                continue;
            var since = now[attempt] = unheld.GetValueOrDefault(attempt, at);
            if (at - since <= Bound)
                continue;
            mistaken($"job {job.Id} is stored as running on {job.Worker}, attempt {job.Attempt}, and for {(at - since).TotalSeconds:0.0} s no worker has it");
            now[attempt] = at;
        }

        unheld = now;
    }
}
