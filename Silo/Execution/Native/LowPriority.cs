using System.Runtime.ExceptionServices;

namespace Builds.Execution.Native;

/// <summary>
/// Starts processes that give way to the silo. On Linux both priorities belong to a thread, and a new process has those of the thread
/// that started it: so a thread of its own lowers itself, starts the process and ends. Nothing of a build ever runs at the silo's
/// priority, and the silo need not be allowed to raise anybody's.
/// </summary>
internal static class LowPriority
{
    /// <summary>Calls <paramref name="start"/> on a thread <paramref name="nice"/> (0 to 19) nicer than this process, last in line for the disk.</summary>
    public static T Run<T>(int nice, Func<T> start)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Lower(nice);
                result = start();
            }
            catch (Exception e)
            {
                // Belongs to the caller, who is waiting for it.
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        { IsBackground = true, Name = "starts a build" };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    private static void Lower(int nice)
    {
        // Neither can fail for want of rights, as both only give something away. Where the kernel has no such call (gVisor), a build
        // without priorities is better than none.
        _ = Libc.Nice(nice);
        _ = Libc.SystemCall(Libc.SetIoPriority, Libc.OfOneThread, 0, Libc.BestEffortLast);
    }

    /// <summary>
    /// Why niceness does nothing here, or null. With kernel.sched_autogroup_enabled each session, and so each task of a build, has a
    /// share of the processors of its own, among which niceness does not count (sched(7), "The autogroup feature"), unless the silo
    /// is in a control group with a share of its own.
    /// </summary>
    public static string? Ineffective()
    {
        const string Setting = "/proc/sys/kernel/sched_autogroup_enabled", Group = "0::";
        if (!File.Exists(Setting) || File.ReadAllText(Setting).Trim() == "0") return null;
        var group = File.ReadLines("/proc/self/cgroup").FirstOrDefault(line => line.StartsWith(Group, StringComparison.Ordinal))?[Group.Length..];
        return group is not null && File.Exists($"/sys/fs/cgroup{group}/cpu.weight") ? null
            : "this machine shares its processors among sessions (kernel.sched_autogroup_enabled=1)";
    }
}
