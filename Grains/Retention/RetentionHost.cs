using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Builds.Retention;

/// <summary>Wakes the one grain that deletes, from every silo, so that it does not matter which of them are there. Register it after Orleans.</summary>
public sealed partial class RetentionHost(IGrainFactory grains, TimeProvider clock, ILogger<RetentionHost> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        // Not at once: a start has better things to do.
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await grains.GetGrain<IRetentionGrain>(IRetentionGrain.Key).Wake();
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                // Nothing is lost by deleting later.
                LogAsleep(error);
            }
        }
    }

    [LoggerMessage(EventId = 1742, Level = LogLevel.Debug, Message = "Retention could not be woken; the next try is in a minute")]
    private partial void LogAsleep(Exception error);
}
