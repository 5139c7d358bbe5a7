using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Manifests;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Builds.Triggers;

/// <summary>
/// Requests and timer only touch the book. Each source that is under way is a task of its own: it reads the record, sends the first
/// delivery that is due, on the pool, and writes down what came of it, before the next one of that source has its turn.
/// </summary>
public sealed partial class TriggerOutboxGrain(
    ICatalogue catalogue,
    IEnumerable<ITriggerSender> senders,
    IOptions<TriggerOptions> options,
    TimeProvider clock,
    ILogger<TriggerOutboxGrain> logger) : Grain, ITriggerOutboxGrain, IDisposable
{
    private const int Page = 1000;

    /// <summary>How long a result is kept in memory, to be written down, while the database does not take it: sent again it would arrive twice.</summary>
    private const int RecordTries = 30;
    private static readonly TimeSpan RecordPause = TimeSpan.FromSeconds(2);

    private readonly ImmutableArray<ITriggerSender> senders = [.. senders];
    private readonly TriggerBook book = new(options.Value.Concurrency, options.Value.PerOwner, options.Value.PerTarget);
    private readonly CancellationTokenSource leaving = new();
    /// <summary>Of <see cref="leaving"/>; what is under way may look at it after the grain is gone.</summary>
    private CancellationToken left;
    private IGrainTimer? sweeps;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        left = leaving.Token;
        if (!senders.IsEmpty)
            sweeps = this.RegisterGrainTimer(Sweep, new GrainTimerCreationOptions(TimeSpan.Zero, options.Value.Sweep) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    /// <summary>What is under way is given up, and done again by the next activation: here it could not be written down any more.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        sweeps?.Dispose();
        await leaving.CancelAsync();
    }

    public void Dispose() => leaving.Dispose();

    public Task Hint(TriggerSource source, string owner)
    {
        if (!senders.IsEmpty)
            book.Add(source, owner);
        StartSome();
        return Task.CompletedTask;
    }

    public Task Wake() => Task.CompletedTask;

    private async Task Sweep(CancellationToken cancellationToken)
    {
        try
        {
            for (DueTriggers? last = null; !book.IsFull;)
            {
                var due = await catalogue.TriggersDue(clock.GetUtcNow(), last, Page, cancellationToken);
                foreach (var source in due)
                    book.Add(source.Source, source.Owner);
                StartSome();
                if (due.Length < Page)
                    return;
                last = due[^1];
            }
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // What is due stays so.
            LogNotSwept(error, options.Value.Sweep);
        }
    }

    private void StartSome()
    {
        while (!left.IsCancellationRequested && book.Start() is { } item)
            Carry(item).Ignore();
    }

    private async Task Carry(TriggerItem item)
    {
        // The turn that began it goes on at once.
        await Task.Yield();
        var again = false;
        try
        {
            if (await Read(item.Source) is { } work)
            {
                var sender = senders.FirstOrDefault(sender => sender.Action == work.Order.Action);
                if (!book.Enter(item, sender?.Place(work.Order) ?? ""))
                {
                    StartSome();
                    return;
                }

                await Deliver(work, sender);
                again = true;
            }
        }
        catch (Exception error)
        {
            if (!left.IsCancellationRequested)
                LogNotCarried(error, item.Source, options.Value.Sweep);
        }

        book.Ended(item, again);
        StartSome();
    }

    /// <summary>The first delivery of a source that is due; null if none is. What else it has to announce is done here.</summary>
    private async Task<Work?> Read(TriggerSource source)
    {
        if (source.Kind == TriggerSourceKind.Group)
            return await GroupOf(source.Id).GetEnd() is { } end ? await WorkOf(source, end) : null;
        if (await JobOf(source.Id).Get() is not { } job)
            return null;
        if (job.TellGroup)
        {
            // None, if its group came to nothing after all.
            if (job.Group is { } group)
                await GroupOf(group).MemberEnded();
            await JobOf(source.Id).GroupTold();
        }

        if (First(job.Triggers) is not { } delivery)
            return null;
        var triggers = ManifestParser.Parse(job.Manifest) is ManifestResult.Accepted { Manifest: var manifest } ? manifest.Triggers : [];
        return new Work(source, delivery, new TriggerOrder(source, delivery, At(triggers, delivery), new TriggerSubject.OfJob(job)), JobOf(source.Id).TriggerTried);
    }

    private async Task<Work?> WorkOf(TriggerSource source, JobGroupEnd end)
    {
        if (First(end.Triggers) is not { } delivery)
            return null;
        var members = ImmutableArray.CreateBuilder<JobSnapshot>();
        foreach (var id in end.Group.Jobs)
        {
            if (await JobOf(id.Value).Get() is { } member)
                members.Add(member);
        }

        var trigger = At([.. end.Group.Triggers.Select(trigger => trigger.ToTrigger())], delivery);
        return new Work(source, delivery, new TriggerOrder(source, delivery, trigger, new TriggerSubject.OfGroup(end, members.ToImmutable())), GroupOf(source.Id).TriggerTried);
    }

    private TriggerDelivery? First(ImmutableArray<TriggerDelivery> deliveries)
    {
        var now = clock.GetUtcNow();
        return deliveries.FirstOrDefault(delivery => delivery.Status == TriggerStatus.Pending && (delivery.Next is not { } next || next <= now));
    }

    /// <summary>A parser of another version may see other triggers: then it has no settings, and fails for that reason.</summary>
    private static Trigger At(ImmutableArray<Trigger> triggers, TriggerDelivery delivery) =>
        triggers.ElementAtOrDefault(delivery.Number - 1) is { } trigger && trigger.Action == delivery.Action ? trigger : new Trigger(delivery.Action, delivery.Condition, []);

    private async Task Deliver(Work work, ITriggerSender? sender)
    {
        var begin = clock.GetTimestamp();
        var outcome = sender is null ? new TriggerOutcome.Failed($"no silo of this version delivers {work.Order.Action}", IsFinal: true) : await Try(sender, work.Order);
        KillPoint.Reached("trigger.sent");
        var report = TriggerRules.After(work.Source, work.Delivery, outcome, options.Value, clock.GetUtcNow());
        await Record(work, report);
        LogTried(work.Order, report.Status.Word(), report.Attempt, report.HttpStatus, report.Error ?? "none", clock.GetElapsedTime(begin));
    }

    private async Task<TriggerOutcome> Try(ITriggerSender sender, TriggerOrder order)
    {
        using var limit = new CancellationTokenSource(options.Value.Timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, left);
        try
        {
            // Off this grain's scheduler, and not waited for beyond its time: what does not heed its token must not keep a place for ever.
            return await Task.Run(() => sender.Send(order, either.Token), either.Token).WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!left.IsCancellationRequested)
        {
            return new TriggerOutcome.Failed($"no answer within {options.Value.Timeout.TotalSeconds:0.###} s");
        }
        catch (Exception error) when (!left.IsCancellationRequested)
        {
            // A mistake of ours, or something that nobody thought of. The log has it whole; it may quote what is private.
            LogUnexpected(error, order);
            return new TriggerOutcome.Failed("it could not be sent: the service's log says why");
        }
    }

    private async Task Record(Work work, TriggerReport report)
    {
        for (var tries = RecordTries; ; tries--)
        {
            try
            {
                await work.Record(report);
                return;
            }
            catch (Exception error) when (tries > 1 && !left.IsCancellationRequested)
            {
                LogNotRecorded(error, work.Order);
                await Task.Delay(RecordPause, clock, left);
            }
        }
    }

    private IJobGrain JobOf(int id) => GrainFactory.GetGrain<IJobGrain>(id);

    private IJobGroupGrain GroupOf(int id) => GrainFactory.GetGrain<IJobGroupGrain>(JobGroupKey.For(id));

    private sealed record Work(TriggerSource Source, TriggerDelivery Delivery, TriggerOrder Order, Func<TriggerReport, Task> Record);

    [LoggerMessage(EventId = 1850, Level = LogLevel.Information, Message = "{Trigger}: {Status} (attempt {Attempt}, HTTP status {HttpStatus}, error {Error}, {Elapsed})")]
    private partial void LogTried(TriggerOrder trigger, string status, int attempt, int? httpStatus, string error, TimeSpan elapsed);

    [LoggerMessage(EventId = 1851, Level = LogLevel.Warning, Message = "What triggers are due could not be found out; the next look is in {Interval}")]
    private partial void LogNotSwept(Exception error, TimeSpan interval);

    [LoggerMessage(EventId = 1852, Level = LogLevel.Warning, Message = "The triggers of {Source} were not delivered; they are found again in {Interval}")]
    private partial void LogNotCarried(Exception error, TriggerSource source, TimeSpan interval);

    [LoggerMessage(EventId = 1853, Level = LogLevel.Error, Message = "{Trigger} failed in a way that nobody foresaw")]
    private partial void LogUnexpected(Exception error, TriggerOrder trigger);

    [LoggerMessage(EventId = 1854, Level = LogLevel.Warning, Message = "What came of {Trigger} could not be written down; once more in two seconds")]
    private partial void LogNotRecorded(Exception error, TriggerOrder trigger);
}
