using Builds.Jobs;

namespace Builds.Space;

/// <summary>How much room there is where this silo keeps things: asked of the system each time. Callable from anywhere.</summary>
public interface IDiskSpace
{
    /// <summary>
    /// Where the disks of builds are, and the database of a silo that is alone: a directory of this machine, which answers at once. Throws
    /// <see cref="IOException"/> where it cannot be asked.
    /// </summary>
    DiskRoom Data();

    /// <summary>
    /// Where logs are, or artifacts; null: in no directory. May take for ever where that is another machine's. Throws
    /// <see cref="IOException"/> where it cannot be asked.
    /// </summary>
    DiskRoom? Of(JobPart part);
}

/// <summary>A file system.</summary>
/// <param name="Path">The directory that matters there.</param>
/// <param name="Free">Bytes that anybody may still write.</param>
/// <param name="Size">Bytes in all.</param>
public sealed record DiskRoom(string Path, long Free, long Size);
