using System.Globalization;
using Builds.Jobs;
using Microsoft.Extensions.Logging;

namespace Builds.Workers;

/// <summary>
/// Pausing by itself: where the machine's own part fails again and again, more jobs would only fail too. To everybody it is a drain with a
/// note, which ends by itself, or earlier by an operator's word.
/// </summary>
public sealed partial class WorkerAgent
{
    private int faults;
    private int pauses;
    private ITimer? pauseEnd;

    /// <summary>An attempt ended here. Only the machine's own faults count, and any other end says that it works.</summary>
    internal void Ended(AttemptEnd end)
    {
        lock (gate)
        {
            if (end is AttemptEnd.Failed { Reason: FailReason.Internal } fault)
            {
                if (++faults >= options.Value.PauseAfter && options.Value.PauseAfter > 0 && drain is null && !leaving)
                    Pause(fault.Detail ?? "see its setup log");
            }
            else if (end is AttemptEnd.Succeeded or AttemptEnd.Failed)
            {
                (faults, pauses) = (0, 0);
            }
        }
    }

    // Under the lock.
    private void Pause(string why)
    {
        var longest = options.Value.LongestPause;
        var time = TimeSpan.FromTicks(Math.Min(longest.Ticks, options.Value.Pause.Ticks << Math.Min(pauses, 20)));
        pauses++;
        var now = clock.GetUtcNow();
        var pause = drain = new WorkerDrain(now, null, string.Create(
            CultureInfo.InvariantCulture, $"paused by itself until {now + time:u}: {faults} builds in a row failed through this machine, the last one since {why}"));
        BeginDrain();
        pauseEnd?.Dispose();
        pauseEnd = clock.CreateTimer(_ => EndPause(pause), null, time, Timeout.InfiniteTimeSpan);
        LogPaused(faults, time, why);
    }

    private void EndPause(WorkerDrain pause)
    {
        lock (gate)
        {
            // An operator has decided otherwise in between.
            if (!ReferenceEquals(drain, pause) || leaving)
                return;
            // One more fault is enough for the next pause, which is longer.
            faults = options.Value.PauseAfter - 1;
            drain = null;
            LogPauseOver();
            TakeAgain();
        }
    }

    [LoggerMessage(EventId = 1118, Level = LogLevel.Error, Message = "{Faults} builds in a row failed through this machine: no job is taken for {Time}; the last one failed since {Why}")]
    private partial void LogPaused(int faults, TimeSpan time, string why);

    [LoggerMessage(EventId = 1119, Level = LogLevel.Information, Message = "The pause is over: jobs are taken again unless something else is against it")]
    private partial void LogPauseOver();
}
