using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Workers;

namespace Builds.Queue;

/// <summary>A moment: monotonic time for leases, wall time for how long a job waits.</summary>
public readonly record struct QueueTime(TimeSpan Elapsed, DateTimeOffset Wall);

/// <summary>
/// Everything the queue knows and decides, in memory, without I/O, clock or chance: calls in, <see cref="QueueEffect"/>s out. Being
/// wrong here costs time and never safety: only a job's own record says who may run it.
/// </summary>
public sealed partial class QueueBook(LeaseOptions lease, QueueOptions options, TimeSpan jobTimeout, QueueTime born, Func<string> newDispatchId)
{
    /// <summary>How long a worker may go on after a job's time limit before the queue steps in.</summary>
    private static readonly TimeSpan DeadlineMargin = TimeSpan.FromMinutes(1);

    private readonly WaitingJobs waiting = new();
    private readonly Dictionary<string, WorkerEntry> workers = [];
    private readonly Dictionary<JobId, (WorkerEntry Worker, Assignment Assignment)> assigned = [];
    private readonly Dictionary<string, int> runningByOwner = [];
    /// <summary>Jobs that are running by their record, while no worker that we know of has shown them.</summary>
    private readonly Dictionary<JobId, Orphan> orphans = [];
    private readonly HashSet<JobId> checking = [];
    private readonly List<QueueEffect> effects = [];
    private QueueTime now = born;

    /// <summary>What is to be done now. Each effect is given out once.</summary>
    public ImmutableArray<QueueEffect> TakeEffects()
    {
        var taken = effects.ToImmutableArray();
        effects.Clear();
        return taken;
    }

    /// <summary>A job grain says that its job changed. Hints may be lost, late, repeated and out of order.</summary>
    public void Hint(JobHint hint, QueueTime time)
    {
        now = time;
        var held = assigned.TryGetValue(hint.Id, out var known);
        switch (hint.Status)
        {
            case JobStatus.Queued when held && (known.Assignment.Attempt == 0 || hint.Attempt < known.Assignment.Attempt):
                // From before the dispatch that is under way.
                break;
            case JobStatus.Queued:
                Unassign(hint.Id);
                Enqueue(new QueuedJob(hint.Id, hint.Owner, hint.Image, hint.QueuedAt, hint.Revision, hint.Attempt));
                break;
            case JobStatus.Running:
                if (waiting.Find(hint.Id) is { } older && older.Revision < hint.Revision)
                    waiting.Remove(hint.Id);
                if (held && known.Worker.Name == hint.Worker)
                    known.Assignment.Learn(hint.Attempt, hint.CancelRequested);
                else if (!held && waiting.Find(hint.Id) is null)
                    Check(hint.Id);
                break;
            case JobStatus.Success or JobStatus.Failed:
                waiting.Remove(hint.Id);
                orphans.Remove(hint.Id);
                if (held)
                    known.Assignment.Over = true;
                break;
            case JobStatus.Pending:
                break;
        }

        Pump();
    }

    /// <summary>Adds what the catalogue has and this book lacks. Removes nothing: the reading may be older than what is known.</summary>
    public void Reconcile(IEnumerable<OpenJob> open, QueueTime time)
    {
        now = time;
        foreach (var job in open)
            Learn(job);
        Pump();
    }

    /// <summary>The record of a job that was asked for by <see cref="QueueEffect.Check"/>; null if it is not open.</summary>
    public void Checked(JobId id, OpenJob? found, QueueTime time)
    {
        now = time;
        checking.Remove(id);
        if (found is not null)
        {
            Learn(found);
        }
        else
        {
            waiting.Remove(id);
            orphans.Remove(id);
            if (assigned.TryGetValue(id, out var known))
                known.Assignment.Over = true;
        }

        Pump();
    }

    /// <summary>The record could not be read: ask again.</summary>
    public void CheckFailed(JobId id, QueueTime time)
    {
        now = time;
        checking.Remove(id);
        recheck.Add(id);
    }

    /// <summary>The worker's answer to a dispatch; null if there was none, which says nothing about what the worker does.</summary>
    public void Answered(QueueEffect.Dispatch dispatch, RunResult? result, QueueTime time)
    {
        now = time;
        if (!assigned.TryGetValue(dispatch.Job, out var known) || known.Assignment.DispatchId != dispatch.DispatchId)
            return;
        if (result is { Answer: RunAnswer.Accepted } && result.Incarnation == dispatch.Incarnation)
        {
            known.Assignment.AcceptedAt ??= result.Sequence;
        }
        else
        {
            if (result is { Answer: RunAnswer.Full or RunAnswer.Draining })
                known.Worker.Refused = true;
            Unassign(dispatch.Job);
            Check(dispatch.Job);
        }

        Pump();
    }

    private void Learn(OpenJob job)
    {
        var held = assigned.TryGetValue(job.Id, out var known);
        if (job.Status == JobStatus.Queued)
        {
            if (!held)
                Enqueue(new QueuedJob(job.Id, job.Owner, job.Image, job.QueuedAt, job.Revision, job.Attempt));
        }
        else if (held)
        {
            SetOwner(known.Assignment, job.Owner);
            if (known.Worker.Name == job.Worker)
                known.Assignment.Learn(job.Attempt, job.CancelRequested);
        }
        else if (!orphans.TryGetValue(job.Id, out var orphan) || orphan.Attempt < job.Attempt)
        {
            if (waiting.Find(job.Id) is { } older && older.Revision < job.Revision)
                waiting.Remove(job.Id);
            orphans[job.Id] = new Orphan(job.Attempt, job.Worker ?? "", job.Incarnation, job.Owner, now.Elapsed) { CancelRequested = job.CancelRequested };
        }
    }

    private void Enqueue(QueuedJob job)
    {
        if (waiting.Find(job.Id) is not { } known || known.Revision < job.Revision)
            waiting.Put(job);
        if (orphans.TryGetValue(job.Id, out var orphan) && orphan.Attempt <= job.Attempt)
            orphans.Remove(job.Id);
    }

    /// <summary>Gives waiting jobs to free slots until there is none of either.</summary>
    private void Pump()
    {
        while (waiting.Count > 0 && Freest() is { } worker && NextFor(worker) is { } job)
        {
            waiting.Remove(job.Id);
            var assignment = new Assignment { Job = job.Id, Owner = job.Owner, DispatchId = newDispatchId(), Since = now.Elapsed };
            Assign(worker, assignment);
            effects.Add(new QueueEffect.Dispatch(worker.Name, worker.Incarnation, job.Id, assignment.DispatchId));
        }

        WorkerEntry? Freest() => workers.Values.Where(worker => worker.HasRoom && NextFor(worker) is not null)
            .MaxBy(worker => worker.Slots - worker.Assignments.Count);
    }

    private QueuedJob? NextFor(WorkerEntry worker)
    {
        var next = waiting.Next(worker.Images, Running);
        // Nobody offers it, and it waited long enough: whoever takes it will say so in its setup log.
        var unoffered = waiting.Next(waiting.Images.Where(image => !Offered(image)), Running);
        if (unoffered is null || now.Wall - unoffered.QueuedAt < options.UnofferedImage)
            return next;
        return next is null || unoffered.QueuedAt < next.QueuedAt ? unoffered : next;
    }

    private bool Offered(string image) => workers.Values.Any(worker => worker.Status != WorkerStatus.Lost && worker.Images.Contains(image));

    private int Running(string owner) => runningByOwner.GetValueOrDefault(owner);

    private void Assign(WorkerEntry worker, Assignment assignment)
    {
        worker.Assignments.Add(assignment.Job, assignment);
        assigned.Add(assignment.Job, (worker, assignment));
        Count(assignment.Owner, 1);
    }

    private void Unassign(JobId id)
    {
        if (!assigned.Remove(id, out var known))
            return;
        known.Worker.Assignments.Remove(id);
        Count(known.Assignment.Owner, -1);
    }

    // An attempt that a heartbeat showed first has no owner until its record is read.
    private void SetOwner(Assignment assignment, string owner)
    {
        Count(assignment.Owner, -1);
        assignment.Owner = owner;
        Count(owner, 1);
    }

    private void Count(string owner, int change)
    {
        var running = Running(owner) + change;
        if (running == 0)
            runningByOwner.Remove(owner);
        else
            runningByOwner[owner] = running;
    }

    private void Check(JobId id)
    {
        if (checking.Add(id))
            effects.Add(new QueueEffect.Check(id));
    }

    private sealed record Orphan(int Attempt, string Worker, long Incarnation, string Owner, TimeSpan Since)
    {
        public bool CancelRequested { get; init; }
        /// <summary>A question or a giving-up is under way.</summary>
        public bool Busy { get; set; }
        /// <summary>Why it is given up; set once that is decided, so that a lost call is repeated.</summary>
        public string? Doomed { get; set; }
    }
}
