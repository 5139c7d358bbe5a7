using Builds.Cluster;
using Builds.Stores;

namespace Builds.Space;

/// <summary>
/// A file of a few megabytes with nothing in it, given up where the disk is full: then the database can still record how jobs ended and what
/// cleaning removed, and a silo can start there. It is made again when there is room.
/// </summary>
internal sealed partial class SpaceReserve(DataDirectory data, TimeProvider clock, ILogger<SpaceReserve> logger) : BackgroundService
{
    /// <summary>The database's log of writes begins again at 4 MiB: this is enough for as long as the database itself does not grow.</summary>
    private const long Most = 16 << 20;

    /// <summary>Of a small disk it is this part.</summary>
    private const int Share = 20;

    /// <summary>Made only where so many times as much is free: it must not be what fills the disk.</summary>
    private const int Times = 2;

    private bool saidNotMade;

    /// <summary>For a start, by the holder of the directory's lock: gives it up where the disk has no room for the start itself.</summary>
    public static void GiveUpIfNeeded(DataDirectory data)
    {
        if (File.Exists(data.Reserve) && FileSystems.Of(data.Path) is var disk && disk.AvailableFreeSpace < BytesOf(disk))
            File.Delete(data.Reserve);
    }

    /// <summary>True if there is more room now. At any time, from any thread.</summary>
    public bool GiveUp()
    {
        try
        {
            if (!File.Exists(data.Reserve))
                return false;
            File.Delete(data.Reserve);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogStays(error, data.Reserve);
            return false;
        }

        LogGivenUp(data.Path);
        return true;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(SpaceWatch.Interval, clock);
        do
        {
            try
            {
                Keep();
                saidNotMade = false;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Without it the silo works as well, until the disk is full.
                if (!saidNotMade)
                    LogNotMade(error, data.Path);
                saidNotMade = true;
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private void Keep()
    {
        var disk = FileSystems.Of(data.Path);
        var bytes = BytesOf(disk);
        if (File.Exists(data.Reserve) || disk.AvailableFreeSpace < Times * bytes)
            return;
        using var file = File.OpenHandle(data.Reserve, FileMode.CreateNew, FileAccess.Write, preallocationSize: bytes);
        // What was allocated lies behind the end of the file.
        RandomAccess.SetLength(file, bytes);
    }

    private static long BytesOf(DriveInfo disk) => Math.Min(Most, disk.TotalSize / Share);

    [LoggerMessage(EventId = 1124, Level = LogLevel.Error, Message = "The disk of {Path} is full: the database gets what was kept for that, and jobs and cleaning go on for as long as it lasts; free some space")]
    private partial void LogGivenUp(string path);

    [LoggerMessage(EventId = 1126, Level = LogLevel.Error, Message = "{Path} cannot be given up")]
    private partial void LogStays(Exception error, string path);

    [LoggerMessage(EventId = 1125, Level = LogLevel.Warning, Message = "No room could be kept in {Path} for what must be recorded on a full disk")]
    private partial void LogNotMade(Exception error, string path);
}
