namespace Builds.Execution.Limits;

/// <summary>What one build may have.</summary>
/// <param name="Memory">Bytes, of all its processes together and of the files that it keeps in memory.</param>
/// <param name="Processes">Processes and threads at a time.</param>
/// <param name="Processors">Null: all.</param>
/// <param name="Disk">Bytes; null: what there is.</param>
internal sealed record BuildLimits(long Memory, int Processes, double? Processors, long? Disk)
{
    private const long Smallest = 512L << 20;

    public static BuildLimits Of(ExecutionOptions options) => new(
        options.Memory ?? Math.Max(Smallest, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 10 * 8 / Math.Max(1, options.Slots)),
        options.Processes ?? ExecutionOptions.DefaultProcesses, options.Processors, options.Disk is 0 ? null : options.Disk);
}
