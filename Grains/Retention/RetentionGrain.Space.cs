using Builds.Jobs;
using Builds.Space;
using Microsoft.Extensions.Logging;

namespace Builds.Retention;

/// <summary>
/// Making room: what a round would delete some day goes now, in the same order and from where the rounds have come to. A disk that is full
/// takes no record before something has left it, so that there, and only there, files go first.
/// </summary>
public sealed partial class RetentionGrain
{
    /// <summary>What is gone, and could not be told yet. After a crash it is found again, as nothing says that its part is done.</summary>
    private readonly Queue<(EndedJob Job, JobPart Part)> untold = [];
    private readonly Dictionary<JobPart, EndedJob> freed = [];
    private readonly HashSet<JobPart> exhausted = [];
    private IGrainTimer? making;
    private int removed;

    public Task MakeRoom()
    {
        making ??= this.RegisterGrainTimer(MakeSomeRoom, new GrainTimerCreationOptions(TimeSpan.Zero, SpaceWatch.Interval) { KeepAlive = true });
        return Task.CompletedTask;
    }

    private async Task MakeSomeRoom(CancellationToken cancellationToken)
    {
        var begin = clock.GetTimestamp();
        var goesOn = false;
        try
        {
            goesOn = await Free(JobPart.Logs, cancellationToken) | await Free(JobPart.Artifacts, cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            LogNoRoom(error, SpaceWatch.Interval);
        }

        if (goesOn || !await Tell(cancellationToken))
        {
            // As long for others as for this: it is urgent.
            making?.Change(goesOn ? clock.GetElapsedTime(begin) : SpaceWatch.Interval, SpaceWatch.Interval);
            return;
        }

        making?.Dispose();
        making = null;
        if (removed > 0)
            LogRoomMade(removed);
        removed = 0;
    }

    /// <summary>Removes a part of some jobs; false where there is room enough, or nothing left that may go.</summary>
    private async Task<bool> Free(JobPart part, CancellationToken cancellationToken)
    {
        if (await Short(part, cancellationToken) is not { } disk)
        {
            exhausted.Remove(part);
            return false;
        }

        var due = await catalogue.Ended(freed.GetValueOrDefault(part) ?? storage.State.Done(part), clock.GetUtcNow() - space.Value.KeepFor, JobsPerStep, cancellationToken);
        if (due.IsEmpty)
        {
            if (exhausted.Add(part))
                LogNothingLeft(SpaceText.Of(disk.Free), disk.Path, space.Value.KeepFor);
            return false;
        }

        foreach (var job in due)
        {
            await Free(job, part, cancellationToken);
            freed[part] = job;
            removed++;
            if (await Short(part, cancellationToken) is null)
                break;
        }

        if (await Tell(cancellationToken))
        {
            await Reach(part, freed[part]);
            freed.Remove(part);
        }

        return true;
    }

    private async Task Free(EndedJob job, JobPart part, CancellationToken cancellationToken)
    {
        try
        {
            await Expire(job, part, cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            if (untold.Count == 0)
                LogFilesFirst(error, job.Id);
            await Delete(job, part, cancellationToken);
            untold.Enqueue((job, part));
        }
    }

    /// <summary>Records what went first; false where that cannot be done yet.</summary>
    private async Task<bool> Tell(CancellationToken cancellationToken)
    {
        try
        {
            while (untold.TryPeek(out var gone))
            {
                await Expire(gone.Job, gone.Part, cancellationToken);
                untold.Dequeue();
            }

            return true;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            LogUntold(error, untold.Count);
            return false;
        }
    }

    /// <summary>Where the part is, if there is too little room; away from this turn, which a directory of another machine could hold up.</summary>
    private Task<DiskRoom?> Short(JobPart part, CancellationToken cancellationToken) => Task.Run(
        () => disks.Of(part) is { } disk && disk.Free < space.Value.CleanOf(disk) ? disk : null, cancellationToken);

    [LoggerMessage(EventId = 1743, Level = LogLevel.Warning, Message = "Too little room: logs or artifacts were removed before their time, {Parts} in all")]
    private partial void LogRoomMade(int parts);

    [LoggerMessage(EventId = 1744, Level = LogLevel.Warning, Message = "Too little room ({Free} are free where {Path} is), and nothing is left that may be removed: jobs that ended less than {KeepFor} ago keep what they have")]
    private partial void LogNothingLeft(string free, string path, TimeSpan keepFor);

    [LoggerMessage(EventId = 1745, Level = LogLevel.Warning, Message = "Job {JobId}, and maybe others: files are removed before the records say so, as those could not be stored")]
    private partial void LogFilesFirst(Exception error, JobId jobId);

    [LoggerMessage(EventId = 1746, Level = LogLevel.Debug, Message = "The records of {Parts} logs or artifacts that are gone do not say so yet; they will")]
    private partial void LogUntold(Exception error, int parts);

    [LoggerMessage(EventId = 1747, Level = LogLevel.Warning, Message = "Too little room, and making some failed; the next try is in {Interval}")]
    private partial void LogNoRoom(Exception error, TimeSpan interval);
}
