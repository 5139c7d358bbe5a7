namespace Builds.Workers;

/// <summary>
/// The system's time, but each timer fires on a thread of its own. The pool fires the system's timers, and as late as it comes to
/// them: with every thread of it blocked, by a slow disk say, that is after many leases. Callbacks of one timer never overlap; one
/// that takes longer than its period delays the next.
/// </summary>
public sealed class ThreadTime : TimeProvider
{
    private static readonly ThreadTime Instance = new();

    private ThreadTime() { }

    /// <summary>Itself for a clock that the caller plays, else the system's time on threads of its own.</summary>
    public static TimeProvider Of(TimeProvider clock) => clock == System ? Instance : clock;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new ThreadTimer(callback, state, dueTime, period);

    private sealed class ThreadTimer : ITimer
    {
        private readonly object gate = new();
        private readonly TimerCallback callback;
        private readonly object? state;
        private TimeSpan period;
        private TimeSpan left;
        private long since;
        private bool disposed;

        public ThreadTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (this.callback, this.state, this.period, left, since) = (callback, state, period, dueTime, System.GetTimestamp());
            new Thread(Run) { IsBackground = true, Name = nameof(ThreadTime) }.Start();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (gate)
            {
                (this.period, left, since) = (period, dueTime, System.GetTimestamp());
                Monitor.PulseAll(gate);
                return !disposed;
            }
        }

        /// <summary>No callback begins after this; one may still run.</summary>
        public void Dispose()
        {
            lock (gate)
            {
                disposed = true;
                Monitor.PulseAll(gate);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Run()
        {
            while (NextIsDue())
                callback(state);
        }

        /// <summary>Waits for the next time; false when there is none.</summary>
        private bool NextIsDue()
        {
            lock (gate)
            {
                while (!disposed)
                {
                    var wait = left == Timeout.InfiniteTimeSpan ? left : left - System.GetElapsedTime(since);
                    if (wait <= TimeSpan.Zero && left != Timeout.InfiniteTimeSpan)
                    {
                        (left, since) = (period == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : period, System.GetTimestamp());
                        return true;
                    }

                    // Rounded up, or the last part of a millisecond would be spent asking.
                    Monitor.Wait(gate, left == Timeout.InfiniteTimeSpan ? wait : TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)));
                }

                return false;
            }
        }
    }
}
