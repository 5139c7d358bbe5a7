using System.Collections.Immutable;
using Builds.Jobs;

namespace Builds.Tests.Queue.Simulation;

/// <summary>The stored records: every change goes through <see cref="JobDecisions"/> and is compared with what may happen to a job.</summary>
public sealed class SimJobs(SimWorld world)
{
    public const int MaxAttempts = 3;

    private readonly SortedDictionary<JobId, JobState> records = [];
    private readonly Dictionary<string, int> attemptOf = [];

    public IReadOnlyCollection<JobState> All => records.Values;

    public JobState this[JobId id] => records[id];

    public void Submit(string owner, string image) =>
        Store(JobDecisions.Submit(new JobId(records.Count + 1), Some.Submission(owner), image, ["a", "b"], world.Wall));

    public void Cancel(JobId id) => Store(JobDecisions.Cancel(records[id], world.Wall));

    public (JobState Job, bool Granted) Claim(JobId id, JobClaim claim)
    {
        var (next, granted) = JobDecisions.Claim(records[id], claim, world.Wall);
        if (granted)
            NoteDispatch(claim.DispatchId, next);
        Store(next);
        return (records[id], granted);
    }

    public ReportResult Report(JobId id, AttemptReport report)
    {
        var (next, result) = JobDecisions.Report(records[id], report, [], world.Wall);
        if (report.Attempt != records[id].Attempt && !ReferenceEquals(next, records[id]))
            world.Fail($"job {id} listened to a report of attempt {report.Attempt} in its attempt {records[id].Attempt}");
        Store(next);
        return result;
    }

    public JobSnapshot WorkerLost(JobId id, int attempt, string why)
    {
        Store(JobDecisions.WorkerLost(records[id], attempt, why, MaxAttempts, [], world.Wall));
        return records[id].ToSnapshot();
    }

    public ImmutableArray<OpenJob> Open(DateTimeOffset? queuedSince) =>
        [.. records.Keys.Select(FindOpen).OfType<OpenJob>().Where(job => queuedSince is null || (job.Status == JobStatus.Queued && job.QueuedAt >= queuedSince))];

    public OpenJob? FindOpen(JobId id) => records[id] is { Status: JobStatus.Queued or JobStatus.Running } job ? FakeStorage.ToOpen(job) : null;

    private void NoteDispatch(string dispatch, JobState job)
    {
        if (attemptOf.TryAdd(dispatch, job.Attempt) || attemptOf[dispatch] == job.Attempt)
            return;
        world.Fail($"job {job.Id}: dispatch {dispatch} had attempt {attemptOf[dispatch]} and was given attempt {job.Attempt}");
    }

    private void Store(JobState next)
    {
        if (records.TryGetValue(next.Id, out var known))
        {
            if (ReferenceEquals(known, next))
                return;
            Legal.Step(known, next, MaxAttempts);
        }

        records[next.Id] = next with { Revision = (known?.Revision ?? 0) + 1, Updated = world.Wall };
        if (known is null || known.Status != next.Status || known.CancelRequested != next.CancelRequested)
            Announce(records[next.Id]);
    }

    private void Announce(JobState job)
    {
        world.Tell($"job {job.Id} is {job.Status.Word()} {job.Reason?.Word()}, attempt {job.Attempt} at {job.Worker}");
        world.Send(() => world.Queue.Hint(job.ToHint()));
    }
}
