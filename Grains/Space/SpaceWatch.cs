using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Retention;
using Builds.Workers;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Builds.Space;

/// <summary>
/// Looks every few seconds how much room is left: below the one mark the worker of this silo takes no job, below the other what is oldest
/// has to go. Register it after Orleans, on every silo.
/// </summary>
/// <param name="worker">Null: this silo runs no builds.</param>
public sealed partial class SpaceWatch(
    IDiskSpace disks, WorkerAgent? worker, IGrainFactory grains, IOptions<SpaceOptions> options, TimeProvider clock, ILogger<SpaceWatch> logger) : BackgroundService
{
    /// <summary>Between two looks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private static readonly ImmutableArray<JobPart> Parts = [JobPart.Logs, JobPart.Artifacts];

    private ImmutableArray<DiskRoom> stores = [];
    private bool isBlind;

    /// <summary>Looks now, and tells the worker: before a job is taken, too, as much may have changed since the last time.</summary>
    public void Look()
    {
        try
        {
            worker?.Watch([disks.Data(), .. stores], options.Value);
            isBlind = false;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Blind(error);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        var store = Task.CompletedTask;
        do
        {
            Look();
            // One at a time, and not waited for: a directory of another machine may not answer.
            if (store.IsCompleted)
                store = Task.Run(LookAtStore, stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task LookAtStore()
    {
        try
        {
            stores = [.. Parts.Select(disks.Of).OfType<DiskRoom>()];
            Look();
            if (stores.Any(disk => disk.Free < options.Value.CleanOf(disk)))
                await grains.GetGrain<IRetentionGrain>(IRetentionGrain.Key).MakeRoom();
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // The next look asks again.
            Blind(error);
        }
    }

    private void Blind(Exception error)
    {
        if (!isBlind)
            LogBlind(error);
        isBlind = true;
    }

    [LoggerMessage(EventId = 1122, Level = LogLevel.Warning, Message = "How much room is left could not be found out, or nothing done about it; the next look is in a few seconds")]
    private partial void LogBlind(Exception error);
}
