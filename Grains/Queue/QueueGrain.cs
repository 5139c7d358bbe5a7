using Builds.Jobs;
using Builds.Workers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Builds.Queue;

/// <summary>
/// Feeds <see cref="QueueBook"/> and carries out what it decides. A request only touches memory; every call to a job, a worker or the
/// catalogue is a task of its own whose outcome is fed back, so that a slow or dead one holds nobody up.
/// </summary>
[KeepAlive]
public sealed partial class QueueGrain : Grain, IQueueGrain
{
    private readonly ICatalogue catalogue;
    private readonly TimeProvider clock;
    private readonly QueueOptions options;
    private readonly ILogger<QueueGrain> logger;
    private readonly QueueBook book;
    private readonly long born;
    private DateTimeOffset lastFull = DateTimeOffset.MinValue;
    private bool reconciling;

    /// <summary>How far back a reconciliation reads: rows commit out of order, but not by more than this.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    public QueueGrain(
        ICatalogue catalogue,
        TimeProvider clock,
        IOptions<LeaseOptions> lease,
        IOptions<QueueOptions> options,
        IOptions<JobOptions> jobs,
        ILogger<QueueGrain> logger)
    {
        this.catalogue = catalogue;
        this.clock = clock;
        this.options = options.Value;
        this.logger = logger;
        born = clock.GetTimestamp();
        // Unique over activations and restarts, since a job remembers the dispatch that it was claimed with.
        var activation = Guid.CreateVersion7(clock.GetUtcNow()).ToString("N");
        var dispatches = 0L;
        book = new QueueBook(lease.Value, options.Value, jobs.Value.Timeout, Now, () => $"{activation}-{++dispatches}");
    }

    private QueueTime Now => new(clock.GetElapsedTime(born), clock.GetUtcNow());

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(Beat, new GrainTimerCreationOptions(TimeSpan.Zero, options.Reconcile) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    public Task Hint(JobHint hint)
    {
        book.Hint(hint, Now);
        Act();
        return Task.CompletedTask;
    }

    public Task<HeartbeatAnswer> Heartbeat(Heartbeat heartbeat)
    {
        var answer = book.Heartbeat(heartbeat, Now);
        Act();
        return Task.FromResult(answer);
    }

    public Task<QueueSnapshot> Snapshot() => Task.FromResult(book.Snapshot());

    public Task<WaitingJob?> Waiting(JobId job) => Task.FromResult(book.Waiting(job));

    public Task<QueueSummary> Summary() => Task.FromResult(book.Summary(this.GetPrimaryKeyString()));

    public Task<Admission> Admit(string owner) => Task.FromResult(book.Admit(owner));

    private async Task Beat(CancellationToken cancellationToken)
    {
        book.Tick(Now);
        Act();
        if (reconciling)
            return;

        reconciling = true;
        try
        {
            var wall = clock.GetUtcNow();
            var full = wall - lastFull >= options.FullReconcile;
            var open = full
                ? await catalogue.Open(this.GetPrimaryKeyString(), null, int.MaxValue, cancellationToken)
                : await catalogue.QueuedSince(this.GetPrimaryKeyString(), wall - Window, null, int.MaxValue, cancellationToken);
            if (full)
                lastFull = wall;
            book.Reconcile(open, Now);
            Act();
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // Reconciling only makes good for lost hints: the next beat tries again.
            LogReconcileFailed(error);
        }
        finally
        {
            reconciling = false;
        }
    }

    /// <summary>Starts what the book wants. Each effect ends in a call back into the book, on this grain's own scheduler.</summary>
    private void Act()
    {
        foreach (var effect in book.TakeEffects())
            Run(effect).Ignore();
    }

    private Task Run(QueueEffect effect) => effect switch
    {
        QueueEffect.Dispatch dispatch => Dispatch(dispatch),
        QueueEffect.Ask ask => Ask(ask),
        QueueEffect.GiveUp giveUp => GiveUp(giveUp),
        QueueEffect.Check check => Check(check),
        _ => throw new System.Diagnostics.UnreachableException(effect.GetType().Name),
    };

    private async Task Dispatch(QueueEffect.Dispatch dispatch)
    {
        var result = await Try(() => GrainFactory.GetGrain<IWorkerGrain>(dispatch.Worker).Run(dispatch.Job, dispatch.DispatchId), dispatch);
        book.Answered(dispatch, result, Now);
        Act();
    }

    private async Task Ask(QueueEffect.Ask ask)
    {
        var holds = await Try<bool?>(() => GrainFactory.GetGrain<IWorkerGrain>(ask.Worker).Holds(ask.Job, ask.Attempt, ask.Incarnation), ask);
        book.Asked(ask, holds, Now);
        Act();
    }

    private async Task GiveUp(QueueEffect.GiveUp giveUp)
    {
        LogGaveUp(giveUp.Job, giveUp.Attempt, giveUp.Why);
        var job = await Try(() => GrainFactory.GetGrain<IJobGrain>(giveUp.Job.Value).WorkerLost(giveUp.Attempt, giveUp.Why), giveUp);
        book.GaveUp(giveUp, job, Now);
        Act();
    }

    private async Task Check(QueueEffect.Check check)
    {
        try
        {
            var open = await catalogue.FindOpen(check.Job, CancellationToken.None);
            book.Checked(check.Job, open, Now);
        }
        catch (Exception error)
        {
            LogFailed(error, check);
            book.CheckFailed(check.Job, Now);
        }

        Act();
    }

    // A call that fails has an unknown outcome; the book treats the default value so.
    private async Task<T?> Try<T>(Func<Task<T>> call, QueueEffect effect)
    {
        try
        {
            return await call();
        }
        catch (Exception error)
        {
            LogFailed(error, effect);
            return default;
        }
    }

    [LoggerMessage(EventId = 1200, Level = LogLevel.Warning, Message = "The queue could not read the catalogue; it tries again")]
    private partial void LogReconcileFailed(Exception error);

    [LoggerMessage(EventId = 1201, Level = LogLevel.Warning, Message = "Outcome unknown: {Effect}")]
    private partial void LogFailed(Exception error, QueueEffect effect);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Warning, Message = "Job {JobId}: attempt {Attempt} is given up: {Why}")]
    private partial void LogGaveUp(JobId jobId, int attempt, string why);
}
