using System.ComponentModel;
using System.Runtime.InteropServices;
using Builds.Execution.Native;
using Builds.Workers;

namespace Builds.Execution;

/// <summary>
/// CLOCK_BOOTTIME, the clock that leases are told in: all processes of a machine share it, nobody can set it, and it goes on
/// while the machine sleeps.
/// </summary>
public static class BootClock
{
    /// <summary>The time since the machine started.</summary>
    public static TimeSpan Now =>
        Libc.ClockGetTime(Libc.BootTime, out var now) == 0
            ? new TimeSpan(now.Seconds * TimeSpan.TicksPerSecond + now.Nanoseconds / TimeSpan.NanosecondsPerTick)
            : throw new Win32Exception(Marshal.GetLastPInvokeError());
}

/// <summary><see cref="BootClock"/> for those who take their clock by constructor.</summary>
internal sealed class SystemBootClock : IBootClock
{
    public TimeSpan Now => BootClock.Now;
}
