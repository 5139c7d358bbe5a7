using System.Collections.Immutable;
using Builds.Cluster;
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
    private readonly IQueuePlace place;
    private readonly ILogger<QueueGrain> logger;
    private readonly QueueBook book;
    private readonly long born;
    private TimeSpan? lastRead, lastLong, lastFull;
    private bool reconciling;

    /// <summary>Losses are noticed as often as this, and a pause much longer than it is the queue's own.</summary>
    private static readonly TimeSpan LongestTick = TimeSpan.FromMilliseconds(500);

    /// <summary>How far back a reconciliation reads: rows commit out of order, but hardly ever by more than this...</summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    /// <summary>... and never by more than this, which is read less often: after a burst it holds tens of thousands.</summary>
    private static readonly TimeSpan LongWindow = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan LongWindowEvery = TimeSpan.FromSeconds(5);

    /// <summary>How often a queue makes sure that it is the one that calls go to: two of them would give out the same jobs for ever.</summary>
    private static readonly TimeSpan PlaceEvery = TimeSpan.FromSeconds(5);

    /// <summary>So many rows are read at a time and taken in in one turn, a millisecond or two, so that heartbeats need not wait.</summary>
    private const int Page = 1000;

    public QueueGrain(
        ICatalogue catalogue,
        TimeProvider clock,
        IOptions<LeaseOptions> lease,
        IOptions<QueueOptions> options,
        IOptions<JobOptions> jobs,
        IClusterStanding standing,
        IQueuePlace place,
        ILogger<QueueGrain> logger)
    {
        this.catalogue = catalogue;
        this.clock = clock;
        this.options = options.Value;
        this.place = place;
        this.logger = logger;
        born = clock.GetTimestamp();
        // Unique over activations and restarts, since a job remembers the dispatch that it was claimed with.
        var activation = Guid.CreateVersion7(clock.GetUtcNow()).ToString("N");
        var dispatches = 0L;
        book = new QueueBook(lease.Value, options.Value, jobs.Value.Timeout, Now, standing, () => $"{activation}-{++dispatches}");
    }

    private string Pool => this.GetPrimaryKeyString();

    private QueueTime Now => new(clock.GetElapsedTime(born), clock.GetUtcNow());

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        LogHere(Pool);
        this.RegisterGrainTimer(Beat, new GrainTimerCreationOptions(TimeSpan.Zero, options.Reconcile < LongestTick ? options.Reconcile : LongestTick) { Interleave = true, KeepAlive = true });
        this.RegisterGrainTimer(KeepPlace, new GrainTimerCreationOptions(PlaceEvery, PlaceEvery) { Interleave = true, KeepAlive = true });
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

    public Task<QueueSummary> Summary() => Task.FromResult(book.Summary(Pool));

    public Task<Admission> Admit(string owner) => Task.FromResult(book.Admit(owner, Now));

    private async Task Beat(CancellationToken cancellationToken)
    {
        book.Tick(Now);
        Act();
        var start = Now.Elapsed;
        if (reconciling || start - lastRead < options.Reconcile)
            return;

        reconciling = true;
        try
        {
            if (lastFull is null || start - lastFull >= options.FullReconcile)
            {
                await ReadAll(cancellationToken);
                (lastRead, lastLong, lastFull) = (start, start, start);
            }
            else
            {
                var isLong = start - lastLong >= LongWindowEvery;
                await ReadQueued(isLong ? LongWindow : Window, cancellationToken);
                (lastRead, lastLong) = (start, isLong ? start : lastLong);
            }
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

    private async Task KeepPlace(CancellationToken cancellationToken)
    {
        try
        {
            if (await place.Keep(GrainContext.Address))
                return;
        }
        catch (Exception error)
        {
            // As long as the database does not answer nobody else can take the place either.
            LogPlaceUnknown(error);
            return;
        }

        LogDisplaced(Pool);
        DeactivateOnIdle();
    }

    private async Task ReadAll(CancellationToken cancellationToken)
    {
        book.BeginPass();
        JobId? after = null;
        ImmutableArray<OpenJob> page;
        do
        {
            page = await catalogue.Open(Pool, after, Page, cancellationToken);
            Learn(page);
            after = page.LastOrDefault()?.Id ?? after;
        }
        while (page.Length == Page);
        book.EndPass(Now);
        Act();
    }

    private async Task ReadQueued(TimeSpan window, CancellationToken cancellationToken)
    {
        var since = clock.GetUtcNow() - window;
        JobId? after = null;
        ImmutableArray<OpenJob> page;
        do
        {
            page = await catalogue.QueuedSince(Pool, since, after, Page, cancellationToken);
            Learn(page);
            if (page.LastOrDefault() is { } last)
                (since, after) = (last.QueuedAt, last.Id);
        }
        while (page.Length == Page);
    }

    private void Learn(ImmutableArray<OpenJob> page)
    {
        book.Reconcile(page, Now);
        Act();
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

    [LoggerMessage(EventId = 1203, Level = LogLevel.Information, Message = "The queue of pool {Pool} is on this silo from now on")]
    private partial void LogHere(string pool);

    [LoggerMessage(EventId = 1204, Level = LogLevel.Debug, Message = "Whether calls still come to this queue could not be asked; it asks again")]
    private partial void LogPlaceUnknown(Exception error);

    [LoggerMessage(EventId = 1205, Level = LogLevel.Warning, Message = "The queue of pool {Pool} is registered elsewhere, so the one on this silo ends")]
    private partial void LogDisplaced(string pool);
}
