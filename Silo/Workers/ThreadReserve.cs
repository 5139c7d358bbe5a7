namespace Builds.Workers;

/// <summary>
/// Threads that the pool may have at once, instead of one per processor and then one or two more a second. The database and the files
/// are asked by calls that block, so on a slow disk every thread waits; the answer to a heartbeat needs one all the same, within a
/// lease. An idle thread costs nothing, one that the pool makes is kept for 20 seconds.
/// </summary>
internal static class ThreadReserve
{
    private const int Threads = 64;

    /// <summary>Has effect for the whole process. A repeat, and a setting of the runtime that is higher, changes nothing.</summary>
    public static void Keep()
    {
        ThreadPool.GetMinThreads(out var workers, out var completions);
        ThreadPool.GetMaxThreads(out var most, out _);
        ThreadPool.SetMinThreads(Math.Max(workers, Math.Min(Threads, most)), completions);
    }
}
