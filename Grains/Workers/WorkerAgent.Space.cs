using System.Collections.Immutable;
using Builds.Space;
using Microsoft.Extensions.Logging;

namespace Builds.Workers;

/// <summary>
/// Pausing for want of room: a build that begins on a disk that is nearly full fails there, and takes others with it. To everybody it is a
/// drain with a note, beside that of an operator, which it never ends.
/// </summary>
public sealed partial class WorkerAgent
{
    private WorkerDrain? lowSpace;

    /// <summary>Takes no job while one of these disks is below its mark. An operator's <see cref="Resume"/> holds until the next look.</summary>
    public void Watch(ImmutableArray<DiskRoom> disks, SpaceOptions marks)
    {
        lock (gate)
        {
            var low = disks.FirstOrDefault(disk => disk.Free < (lowSpace is null ? marks.LowOf(disk) : marks.AgainOf(disk)));
            if (low is not null)
                PauseFor(low, marks.LowOf(low));
            else if (lowSpace is not null)
                EndPauseForSpace();
        }
    }

    // Under the lock.
    private void PauseFor(DiskRoom disk, long mark)
    {
        var note = $"paused by itself: {SpaceText.Of(disk.Free)} are free where {disk.Path} is, and no build begins below {SpaceText.Of(mark)} ({SpaceOptions.Section}:{nameof(SpaceOptions.Low)}); see 'df -h {disk.Path}', and free some";
        var isNew = lowSpace is null;
        lowSpace = new WorkerDrain(lowSpace?.Since ?? clock.GetUtcNow(), null, note);
        if (!isNew)
            return;
        BeginDrain();
        LogLowSpace(SpaceText.Of(disk.Free), disk.Path, SpaceText.Of(mark));
    }

    // Under the lock.
    private void EndPauseForSpace()
    {
        lowSpace = null;
        LogSpaceAgain();
        TakeAgain();
    }

    [LoggerMessage(EventId = 1120, Level = LogLevel.Error, Message = "{Free} are free where {Path} is, less than Builds:Space:Low ({Mark}): no job is taken until there is more, what runs goes on")]
    private partial void LogLowSpace(string free, string path, string mark);

    [LoggerMessage(EventId = 1121, Level = LogLevel.Information, Message = "There is room again")]
    private partial void LogSpaceAgain();
}
