using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Builds.Benchmarks.Measuring;

/// <summary>
/// What the work cost, rather than how long it took: hardly changes with what else the machine does. Client, silo and compiler are one
/// process here; builds count when they have ended.
/// </summary>
internal static unsafe partial class ProcessorTime
{
    private const int Self = 0, Children = -1;

    /// <summary>Of this process and of all that it started and saw the end of, user and system.</summary>
    public static TimeSpan Now => Of(Self) + Of(Children);

    private static TimeSpan Of(int who)
    {
        // struct rusage: user and system time in seconds and microseconds, and fourteen counters.
        var usage = stackalloc long[18];
        if (GetUsage(who, usage) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "getrusage failed.");
        return TimeSpan.FromSeconds(usage[0] + usage[2]) + TimeSpan.FromMicroseconds(usage[1] + usage[3]);
    }

    [LibraryImport("libc", EntryPoint = "getrusage", SetLastError = true)]
    private static partial int GetUsage(int who, long* usage);
}
