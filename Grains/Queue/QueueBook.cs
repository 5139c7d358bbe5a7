using System.Collections.Immutable;
using Builds.Cluster;
using Builds.Jobs;
using Builds.Workers;

namespace Builds.Queue;

/// <summary>A moment: monotonic time for leases, wall time for how long a job waits.</summary>
public readonly record struct QueueTime(TimeSpan Elapsed, DateTimeOffset Wall);

/// <summary>
/// Everything the queue knows and decides, in memory, without I/O, clock or chance: calls in, <see cref="QueueEffect"/>s out. Being
/// wrong here costs time and never safety: only a job's own record says who may run it.
/// </summary>
public sealed partial class QueueBook
{
    /// <summary>How long a worker may go on after a job's time limit before the queue steps in.</summary>
    private static readonly TimeSpan DeadlineMargin = TimeSpan.FromMinutes(1);

    private const int ChecksPerPass = 1000;

    private readonly LeaseOptions lease;
    private readonly QueueOptions options;
    private readonly TimeSpan jobTimeout;
    private readonly IClusterStanding standing;
    private readonly Func<string> newDispatchId;
    private readonly WorkerClasses classes = new();
    private readonly WaitingJobs waiting;
    private readonly Dictionary<string, WorkerEntry> workers = [];
    private readonly Dictionary<JobId, (WorkerEntry Worker, Assignment Assignment)> assigned = [];
    private readonly HashSet<JobId> checking = [];
    private readonly List<QueueEffect> effects = [];
    private QueueTime now;
    private int pass;
    /// <summary>The whole catalogue was read once.</summary>
    private bool complete;

    /// <param name="born">The moment of activation; the time of every call counts from the same origin.</param>
    public QueueBook(LeaseOptions lease, QueueOptions options, TimeSpan jobTimeout, QueueTime born, IClusterStanding standing, Func<string> newDispatchId)
    {
        this.lease = lease;
        this.options = options;
        this.jobTimeout = jobTimeout;
        this.standing = standing;
        this.newDispatchId = newDispatchId;
        now = born;
        aloneFrom = born.Elapsed + lease.Membership;
        waiting = new WaitingJobs(classes, options.RunningPerOwner);
    }

    /// <summary>What is to be done now. Each effect is given out once.</summary>
    public ImmutableArray<QueueEffect> TakeEffects()
    {
        if (effects.Count == 0)
            return [];
        var taken = effects.ToImmutableArray();
        effects.Clear();
        return taken;
    }

    /// <summary>A job grain says that its job changed. Hints may be lost, late, repeated and out of order.</summary>
    public void Hint(JobHint hint, QueueTime time)
    {
        Advance(time);
        var held = assigned.TryGetValue(hint.Id, out var known);
        switch (hint.Status)
        {
            case JobStatus.Queued when held && (known.Assignment.Attempt == 0 || hint.Attempt < known.Assignment.Attempt):
                // From before the dispatch that is under way.
                break;
            case JobStatus.Queued:
                Unassign(hint.Id);
                Enqueue(new QueuedFacts(hint.Id, hint.Owner, hint.Image, hint.Labels, hint.Priority, hint.QueuedAt, hint.Revision, hint.Attempt));
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
                RemoveOrphan(hint.Id);
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
        Advance(time);
        foreach (var job in open)
            Learn(job);
        Pump();
    }

    /// <summary>A pass over the whole catalogue begins; its pages come in through <see cref="Reconcile"/>.</summary>
    public void BeginPass() => pass++;

    /// <summary>
    /// Every page of the pass was read. What waited before it began and was on none of its pages is looked up by itself, so many at a time:
    /// the hint that it was cancelled may be lost.
    /// </summary>
    public void EndPass(QueueTime time)
    {
        Advance(time);
        complete = true;
        foreach (var missing in waiting.All.Where(job => job.Pass < pass).Take(ChecksPerPass))
            Check(missing.Id);
    }

    /// <summary>The record of a job that was asked for by <see cref="QueueEffect.Check"/>; null if it is not open.</summary>
    public void Checked(JobId id, OpenJob? found, QueueTime time)
    {
        Advance(time);
        checking.Remove(id);
        if (found is not null)
        {
            Learn(found);
        }
        else
        {
            waiting.Remove(id);
            RemoveOrphan(id);
            if (assigned.TryGetValue(id, out var known))
                known.Assignment.Over = true;
        }

        Pump();
    }

    /// <summary>The record could not be read: ask again.</summary>
    public void CheckFailed(JobId id, QueueTime time)
    {
        Advance(time);
        checking.Remove(id);
        recheck.Add(id);
    }

    /// <summary>The worker's answer to a dispatch; null if there was none, which says nothing about what the worker does.</summary>
    public void Answered(QueueEffect.Dispatch dispatch, RunResult? result, QueueTime time)
    {
        Advance(time);
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
        if (waiting.Find(job.Id) is { } waits)
            waits.Pass = pass;
        var held = assigned.TryGetValue(job.Id, out var known);
        if (job.Status == JobStatus.Queued)
        {
            if (!held)
                Enqueue(new QueuedFacts(job.Id, job.Owner, job.Image, job.Labels, job.Priority, job.QueuedAt, job.Revision, job.Attempt));
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
            AddOrphan(job.Id, new Orphan(job.Attempt, job.Worker ?? "", job.Incarnation, job.Owner) { Since = now.Elapsed, CancelRequested = job.CancelRequested });
        }
    }

    private void Enqueue(in QueuedFacts job)
    {
        if (waiting.Find(job.Id) is not { } known || known.Revision < job.Revision)
        {
            if (job.Attempt == 0 && waiting.Find(job.Id) is null)
                Arrived(job.Owner);
            waiting.Put(job, GoesAnywhere(job)).Pass = pass;
        }

        if (orphans.TryGetValue(job.Id, out var orphan) && orphan.Attempt <= job.Attempt)
            RemoveOrphan(job.Id);
    }

    private void Check(JobId id)
    {
        if (checking.Add(id))
            effects.Add(new QueueEffect.Check(id));
    }
}
