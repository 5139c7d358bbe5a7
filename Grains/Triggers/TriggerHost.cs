using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Builds.Triggers;

/// <summary>
/// Wakes the one grain that delivers, from every silo: once it has started, since a killed one may have left something, and then again and
/// again, since the silo that had the grain may be gone. Not before: only then is the address known that webhooks and e-mails tell.
/// </summary>
public sealed partial class TriggerHost(IGrainFactory grains, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<TriggerHost> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Started(stoppingToken);
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            try
            {
                await grains.GetGrain<ITriggerOutboxGrain>(ITriggerOutboxGrain.Key).Wake();
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                // What is due stays so.
                LogAsleep(error);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task Started(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var heard = lifetime.ApplicationStarted.Register(() => started.TrySetResult());
        await started.Task.WaitAsync(stoppingToken);
    }

    [LoggerMessage(EventId = 1855, Level = LogLevel.Debug, Message = "The outbox of triggers could not be woken; the next try is in ten seconds")]
    private partial void LogAsleep(Exception error);
}
