using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Builds.Benchmarks.Measuring;

/// <summary>
/// What the work cost, rather than how long it took: hardly changes with what else the machine does. Client, silo and compiler are one
/// process here; builds count when they have ended.
/// </summary>
internal static unsafe partial class ProcessorTime
{
    private const int Self = 0, Children = -1;

    /// <summary>The silos that run as processes of their own. Those of the database do not count: they are the ceiling's too.</summary>
    public static HashSet<int> Silos { get; } = [];

    /// <summary>Of this process, of its <see cref="Silos"/> and of all that it started and saw the end of, user and system.</summary>
    public static TimeSpan Now => Silos.Aggregate(Of(Self) + Of(Children), (sum, silo) => sum + OfProcess(silo));

    private static TimeSpan OfProcess(int process)
    {
        // proc(5): the fields after the name; utime and stime are in hundredths of a second.
        var fields = File.ReadAllText($"/proc/{process}/stat").Split(')')[^1].Split(' ');
        return TimeSpan.FromMilliseconds(10 * (long.Parse(fields[12], CultureInfo.InvariantCulture) + long.Parse(fields[13], CultureInfo.InvariantCulture)));
    }

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
