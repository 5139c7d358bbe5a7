using Builds.Jobs;

namespace Builds.Queue;

/// <summary>A job that waits for a worker.</summary>
/// <param name="Revision">Of the record that said so.</param>
/// <param name="Attempt">The attempts that it has behind it.</param>
public sealed record QueuedJob(JobId Id, string Owner, string Image, DateTimeOffset QueuedAt, int Revision, int Attempt);

/// <summary>
/// The waiting jobs, kept so that the next one is found without looking at all: per image, per owner, oldest first. Who is next:
/// the owner with the fewest running jobs, and of several the one whose first job waits longest.
/// </summary>
public sealed class WaitingJobs
{
    private static readonly Comparer<QueuedJob> OldestFirst = Comparer<QueuedJob>.Create((left, right) =>
        left.QueuedAt != right.QueuedAt ? left.QueuedAt.CompareTo(right.QueuedAt) : left.Id.CompareTo(right.Id));

    private readonly Dictionary<JobId, QueuedJob> byId = [];
    private readonly Dictionary<string, Dictionary<string, SortedSet<QueuedJob>>> byImage = [];

    public int Count => byId.Count;

    public IEnumerable<QueuedJob> All => byId.Values;

    public IEnumerable<string> Images => byImage.Keys;

    public QueuedJob? Find(JobId id) => byId.GetValueOrDefault(id);

    /// <summary>Adds a job, or replaces what was known of it.</summary>
    public void Put(QueuedJob job)
    {
        Remove(job.Id);
        byId.Add(job.Id, job);
        if (!byImage.TryGetValue(job.Image, out var owners))
            byImage.Add(job.Image, owners = []);
        if (!owners.TryGetValue(job.Owner, out var jobs))
            owners.Add(job.Owner, jobs = new SortedSet<QueuedJob>(OldestFirst));
        jobs.Add(job);
    }

    public bool Remove(JobId id)
    {
        if (!byId.Remove(id, out var job))
            return false;
        var owners = byImage[job.Image];
        var jobs = owners[job.Owner];
        jobs.Remove(job);
        if (jobs.Count == 0)
            owners.Remove(job.Owner);
        if (owners.Count == 0)
            byImage.Remove(job.Image);
        return true;
    }

    /// <summary>The job that one of <paramref name="images"/> should run next, or null.</summary>
    /// <param name="running">How many jobs an owner has running.</param>
    public QueuedJob? Next(IEnumerable<string> images, Func<string, int> running)
    {
        QueuedJob? best = null;
        var bestRunning = 0;
        foreach (var image in images)
        {
            if (!byImage.TryGetValue(image, out var owners))
                continue;
            foreach (var (owner, jobs) in owners)
            {
                var first = jobs.Min!;
                var load = running(owner);
                if (best is null || load < bestRunning || (load == bestRunning && OldestFirst.Compare(first, best) < 0))
                    (best, bestRunning) = (first, load);
            }
        }

        return best;
    }
}
