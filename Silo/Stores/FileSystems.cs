namespace Builds.Stores;

/// <summary>What lies where.</summary>
internal static class FileSystems
{
    /// <summary>As the kernel calls them; what a process wrote there, every other one reads.</summary>
    private static readonly HashSet<string> Local = ["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "tmpfs", "ramfs", "overlay", "overlayfs"];

    /// <summary>False where in doubt: then more is written through than need be.</summary>
    public static bool IsOfThisMachine(string directory) => Local.Contains(Of(directory).DriveFormat);

    /// <summary>The file system in which a directory is, or will be.</summary>
    public static DriveInfo Of(string directory)
    {
        while (!Directory.Exists(directory))
            directory = Path.GetDirectoryName(directory)!;
        return new DriveInfo(directory);
    }
}
