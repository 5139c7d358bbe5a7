using Builds.Jobs;
using Builds.Workers;

namespace Builds.Queue;

/// <summary>What the queue tells people: who waits and why, and who has what.</summary>
public sealed partial class QueueBook
{
    public QueueSnapshot Snapshot() => new(
        [.. waiting.All.OrderBy(job => job.QueuedAt).ThenBy(job => job.Id).Select(job => new WaitingJob(job.Id, job.Owner, job.Image, job.QueuedAt, Why(job)))],
        [.. workers.Values.OrderBy(worker => worker.Name, StringComparer.Ordinal).Select(worker => new WorkerView(
            worker.Name,
            worker.Status,
            worker.Slots,
            worker.Images,
            [.. worker.Assignments.Values.OrderBy(held => held.Job).Select(held => new HeldJob(held.Job, held.DispatchId, held.Attempt))]))]);

    // To be replaced by kept counts.
    public WaitingJob? Waiting(JobId id) => Snapshot().Waiting.FirstOrDefault(job => job.Id == id) is { } waits ? waits with { Place = 1 } : null;

    public QueueSummary Summary(string pool) => new(pool, waiting.Count, assigned.Count, 0, 0, null, [], 0, [], Snapshot().Workers, true);

    public Admission Admit(string owner) => new(owner.Length > 0, waiting.Count, null);

    private string Why(QueuedJob job)
    {
        var alive = workers.Values.Where(worker => worker.Status.TakesJobs()).ToList();
        if (alive.Count == 0)
            return "no worker takes jobs at the moment";
        var fitting = alive.Where(worker => worker.Images.Contains(job.Image)).ToList();
        return fitting.Count == 0
            ? $"no worker offers image '{job.Image}'; on offer: {string.Join(", ", alive.SelectMany(worker => worker.Images).Distinct().Order())}"
            : $"all {fitting.Sum(worker => worker.Slots)} slots of the workers that offer image '{job.Image}' are taken";
    }
}
