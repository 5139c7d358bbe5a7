using Builds.Cluster;
using Builds.Jobs;
using Builds.Stores;

namespace Builds.Space;

/// <summary>What the file systems of the data directory, and of a store that is a directory, say.</summary>
internal sealed class DiskSpace(DataDirectory data, StoreLocation store) : IDiskSpace
{
    public DiskRoom Data() => Room(data.Path);

    public DiskRoom? Of(JobPart part) => (store, part) switch
    {
        (StoreLocation.Folder folder, JobPart.Logs) => Room(StoreServices.LogsOf(folder.Path)),
        (StoreLocation.Folder folder, JobPart.Artifacts) => Room(StoreServices.ArtifactsOf(folder.Path)),
        _ => null,
    };

    private static DiskRoom Room(string directory)
    {
        var disk = FileSystems.Of(directory);
        return new DiskRoom(directory, disk.AvailableFreeSpace, disk.TotalSize);
    }
}
