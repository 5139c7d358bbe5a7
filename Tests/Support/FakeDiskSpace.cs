using Builds.Jobs;
using Builds.Space;

namespace Builds.Tests;

/// <summary>Disks that are as full as the test says: one for data, one for logs and one for artifacts, of 100 GiB each.</summary>
public sealed class FakeDiskSpace : IDiskSpace
{
    public const long Gigabyte = 1L << 30;

    /// <summary>Of the data directory, in bytes.</summary>
    public long DataFree { get; set; } = 50 * Gigabyte;

    public long LogsFree { get; set; } = 50 * Gigabyte;

    public long ArtifactsFree { get; set; } = 50 * Gigabyte;

    public DiskRoom Data() => Room("/data", DataFree);

    public DiskRoom? Of(JobPart part) => part == JobPart.Logs ? Room("/logs", LogsFree) : Room("/artifacts", ArtifactsFree);

    private static DiskRoom Room(string path, long free) => new(path, free, 100 * Gigabyte);
}
