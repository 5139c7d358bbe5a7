using Builds.Execution;
using Builds.Queue;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Builds.Workers;

/// <summary>
/// Keeps the agent's lease alive and lets it leave in good order. Register it after Orleans: then it starts when the silo is active, and
/// its stop, the drain, runs while every grain still answers.
/// </summary>
public sealed partial class WorkerHost(
    WorkerAgent agent,
    IBuildExecutor executor,
    IGrainFactory grains,
    IBootClock boot,
    TimeProvider clock,
    IOptions<WorkerOptions> options,
    IOptions<LeaseOptions> lease,
    ILogger<WorkerHost> logger) : BackgroundService
{
    private readonly CancellationTokenSource handBack = new();
    private readonly Lock beating = new();
    private ITimer? due;
    private long last;
    private bool draining;

    /// <summary>Hands everything back at once: the second signal. Has an effect while draining.</summary>
    public void HandBackNow() => handBack.Cancel();

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        // Where the silo could not begin, neither did this: there is nothing to drain and no queue to tell. And it drains once.
        if (ExecuteTask is null || draining)
            return;
        draining = true;
        var empty = agent.Leave();
        LogDraining(agent.Held, options.Value.DrainGrace);
        using var grace = new CancellationTokenSource(options.Value.DrainGrace, clock);
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(grace.Token, handBack.Token, cancellationToken);
        try
        {
            await empty.WaitAsync(impatient.Token);
        }
        catch (OperationCanceledException)
        {
            LogHandingBack();
            agent.EndAll(StopCause.HandBack);
            await empty.WaitAsync(lease.Value.Lease, clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await base.StopAsync(cancellationToken);
        LogDrained(agent.Held);
        // The last word: the queue need not wait for the lease to know that this worker is gone.
        await Tell(grains.GetGrain<IQueueGrain>(options.Value.Pool), agent.NextHeartbeat(executor.Images).Beat);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Neither may wait for the pool: it has no thread to spare when the machine is at its limit, which is when a lease is lost.
        var time = ThreadTime.Of(clock);
        await using var watch = time.CreateTimer(_ => agent.EndIfLeaseIsOver(), null, lease.Value.Heartbeat, lease.Value.Heartbeat / 4);
        await using (due = time.CreateTimer(_ => Beat(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan))
        {
            Beat();
            await Task.Delay(Timeout.InfiniteTimeSpan, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            lock (beating)
                due = null;
        }
    }

    /// <summary>Sends a heartbeat. The next one is due a period later, answered or not, or two lost answers would end every build here.</summary>
    /// <param name="after">Only if this is the last one that was sent.</param>
    private void Beat(long? after = null)
    {
        Heartbeat beat;
        Task changed;
        lock (beating)
        {
            if (due is null || (after ?? last) != last)
                return;
            (beat, changed) = agent.NextHeartbeat(executor.Images);
            last = beat.Sequence;
            due.Change(lease.Value.Heartbeat, Timeout.InfiniteTimeSpan);
        }

        BeatEarly(beat.Sequence, Tell(grains.GetGrain<IQueueGrain>(options.Value.Pool), beat), changed).Ignore();
    }

    /// <summary>News need not wait for the next one to be due, but one at a time.</summary>
    private async Task BeatEarly(long sequence, Task told, Task changed)
    {
        await told;
        await changed;
        Beat(sequence);
    }

    private async Task Tell(IQueueGrain queue, Heartbeat beat)
    {
        var sent = boot.Now;
        try
        {
            Obey(await queue.Heartbeat(beat), sent);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // Without an answer the lease runs on to its end, and with it everything that runs under it.
            LogNotHeard(error, beat.Sequence);
        }
    }

    private void Obey(HeartbeatAnswer answer, TimeSpan sent)
    {
        // Withheld: neither longer nor over. It runs on to its end, and the next heartbeat asks again.
        if (answer.Withheld)
            LogWithheld();
        else if (answer.Renewed)
            executor.Renew(agent.Renew(sent));
        else
            agent.EndAll(StopCause.Lost);

        foreach (var order in answer.Stop)
        {
            agent.End(order.Job, order.Attempt, order.Reason switch
            {
                StopReason.Cancelled => StopCause.Cancelled,
                StopReason.Deadline => StopCause.Timeout,
                StopReason.Stale => StopCause.Lost,
            });
        }
    }

    public override void Dispose()
    {
        handBack.Dispose();
        base.Dispose();
    }

    [LoggerMessage(EventId = 1300, Level = LogLevel.Warning, Message = "Heartbeat {Sequence} was not answered")]
    private partial void LogNotHeard(Exception error, long sequence);

    [LoggerMessage(EventId = 1304, Level = LogLevel.Warning, Message = "The lease was not renewed: the queue's silo does not know whether it still belongs to the cluster. Builds go on until the lease ends")]
    private partial void LogWithheld();

    [LoggerMessage(EventId = 1301, Level = LogLevel.Warning, Message = "Running jobs are handed back to the queue")]
    private partial void LogHandingBack();

    [LoggerMessage(EventId = 1302, Level = LogLevel.Information, Message = "Draining: no new job is taken; {Jobs} running may finish within {Grace}, a second signal hands them back at once")]
    private partial void LogDraining(int jobs, TimeSpan grace);

    [LoggerMessage(EventId = 1303, Level = LogLevel.Information, Message = "Drained: {Jobs} jobs are left running")]
    private partial void LogDrained(int jobs);
}
