using System.Collections.Immutable;
using Builds.Jobs;

namespace Builds.Tests.Queue.Simulation;

/// <summary>The stored records: every change goes through <see cref="JobDecisions"/> and is compared with what may happen to a job.</summary>
public sealed class SimJobs(SimWorld world)
{
    public const int MaxAttempts = 3;
    private static readonly ImmutableArray<string> Tasks = ["a", "b"];

    private readonly List<JobState> records = [];
    private readonly Dictionary<string, int> attemptOf = [];

    public IReadOnlyList<JobState> All => records;

    /// <summary>How many are not final.</summary>
    public int Open { get; private set; }

    public JobState this[JobId id] => records[id.Value - 1];

    public bool MayStart(string owner)
    {
        if (world.Plan.OwnerLimit == 0)
            return true;
        var running = 0;
        foreach (var job in records)
            running += job.Status == JobStatus.Running && job.Owner == owner ? 1 : 0;
        return running < world.Plan.OwnerLimit;
    }

    public void Submit(JobSubmission submission, string image) =>
        Store(JobDecisions.Submit(new JobId(records.Count + 1), submission, image, Tasks, world.Wall));

    public void Cancel(JobId id) => Store(JobDecisions.Cancel(this[id], world.Wall));

    public (JobState Job, bool Granted) Claim(JobId id, JobClaim claim)
    {
        var (next, granted) = JobDecisions.Claim(this[id], claim, world.Wall);
        if (granted)
            NoteDispatch(claim.DispatchId, next);
        Store(next);
        return (this[id], granted);
    }

    public ReportResult Report(JobId id, AttemptReport report)
    {
        var known = this[id];
        var heard = world.Plan.Bug == SimBug.StaleReportAccepted ? report with { Attempt = known.Attempt } : report;
        var (next, result) = JobDecisions.Report(known, heard, [], world.Wall);
        if (report.Attempt != known.Attempt && !ReferenceEquals(next, known))
            world.Fail($"job {id} listened to a report of attempt {report.Attempt} in its attempt {known.Attempt}");
        Store(next);
        return result;
    }

    public JobSnapshot WorkerLost(JobId id, int attempt, string why)
    {
        if (world.Plan.Bug == SimBug.RequeueTwice)
            world.At(world.Upto(5), () => Store(JobDecisions.WorkerLost(this[id], this[id].Attempt, why, MaxAttempts, [], world.Wall)));
        Store(JobDecisions.WorkerLost(this[id], attempt, why, MaxAttempts, [], world.Wall));
        return this[id].ToSnapshot();
    }

    public List<OpenJob> OpenIn(string pool)
    {
        var open = new List<OpenJob>();
        foreach (var job in records)
        {
            if (!job.Status.IsFinal() && job.Pool == pool && FakeStorage.ToOpen(job) is { } one)
                open.Add(one);
        }

        return open;
    }

    public List<OpenJob> QueuedSince(string pool, DateTimeOffset since)
    {
        var open = new List<OpenJob>();
        foreach (var job in records)
        {
            if (job.Status == JobStatus.Queued && job.Pool == pool && job.QueuedAt > since)
                open.Add(FakeStorage.ToOpen(job)!);
        }

        return open;
    }

    public OpenJob? FindOpen(JobId id) => FakeStorage.ToOpen(this[id]);

    private void NoteDispatch(string dispatch, JobState job)
    {
        if (!attemptOf.TryAdd(dispatch, job.Attempt) && attemptOf[dispatch] != job.Attempt)
            world.Fail($"job {job.Id}: dispatch {dispatch} had attempt {attemptOf[dispatch]} and was given attempt {job.Attempt}");
    }

    private void Store(JobState next)
    {
        var known = next.Id.Value <= records.Count ? this[next.Id] : null;
        if (ReferenceEquals(known, next))
            return;
        if (known is not null && SimLegal.Mistake(known, next, MaxAttempts) is { } mistake)
            world.Fail($"job {next.Id}: {mistake}: {known} became {next}");

        var stored = next with { Revision = (known?.Revision ?? 0) + 1, Updated = world.Wall };
        if (known is null)
            records.Add(stored);
        else
            records[next.Id.Value - 1] = stored;
        Open += (known is null ? 1 : 0) - (stored.Status.IsFinal() ? 1 : 0);
        if (known is null || known.Status != next.Status || known.CancelRequested != next.CancelRequested)
            Announce(stored);
    }

    private void Announce(JobState job)
    {
        world.Tell($"job {job.Id} is {job.Status.Word()} {job.Reason?.Word()}, attempt {job.Attempt} at {job.Worker}");
        if (world.Plan.NoHints)
            return;
        var from = world.Silos[world.Chance.Next(world.Silos.Length)].Process;
        if (world.Directory.Find(from, job.Pool) is { } queue)
            world.Send(from, queue.Process, () => queue.Hint(job.ToHint()));
    }
}
