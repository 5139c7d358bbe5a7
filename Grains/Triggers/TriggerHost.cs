using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Builds.Triggers;

/// <summary>
/// Wakes the one grain that delivers, from every silo: at its start, since a killed one may have left something, and then again and again,
/// since the silo that had the grain may be gone. Register it after Orleans.
/// </summary>
public sealed partial class TriggerHost(IGrainFactory grains, TimeProvider clock, ILogger<TriggerHost> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
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

    [LoggerMessage(EventId = 1855, Level = LogLevel.Debug, Message = "The outbox of triggers could not be woken; the next try is in ten seconds")]
    private partial void LogAsleep(Exception error);
}
