using System.Globalization;
using Builds.Execution.Sandbox;
using Builds.Execution.Slots;

namespace Builds.Execution.Limits;

/// <summary>
/// The disks of builds: each a file with a file system in it, whose size is the hard limit. It is mounted by the sandbox, for itself alone
/// (Init/enter.h), so that nothing stays mounted whatever is killed. All are copies of one that is made once: what mkfs writes into an
/// empty file is a megabyte, whatever its size.
/// </summary>
internal sealed class BuildSpaces
{
    private const int Block = 4096;
    private static readonly string[] Makers = ["/sbin/mkfs.ext4", "/usr/sbin/mkfs.ext4"];
    private readonly long _bytes;
    private readonly IReadOnlyList<(long Offset, byte[] Bytes)> _written;

    private BuildSpaces(long bytes, IReadOnlyList<(long, byte[])> written) => (_bytes, _written) = (bytes, written);

    /// <summary>Prepares disks of so many bytes. Throws <see cref="IOException"/> with what is missing.</summary>
    /// <param name="directory">For a file that is gone when this returns.</param>
    public static async Task<BuildSpaces> Prepare(long bytes, string directory)
    {
        var maker = Makers.FirstOrDefault(File.Exists) ?? throw new IOException("mkfs.ext4 is not installed; to mend it: apt-get install e2fsprogs");
        var path = Path.Combine(directory, $"space.{Environment.ProcessId}");
        try
        {
            using (var file = Open(path)) RandomAccess.SetLength(file, bytes);
            // One inode for 16 KiB is the usual share; large disks get fewer, or their tables alone would be gigabytes.
            var end = await Tool.Run(maker, "-q", "-F", "-m", "0", "-b", Block.ToString(CultureInfo.InvariantCulture), "-i", bytes > 64L << 30 ? "65536" : "16384",
                "-O", "^has_journal,^resize_inode", "-E", "lazy_itable_init=1,nodiscard", path);
            if (end.Code != 0) throw new IOException($"mkfs.ext4 failed: {end.Words}");
            return new BuildSpaces(bytes, Written(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Makes an empty disk for the next build of a slot. It takes room on the machine's disk only as it fills.</summary>
    public void Create(Slot slot)
    {
        File.Delete(slot.Space);
        using var file = Open(slot.Space);
        RandomAccess.SetLength(file, _bytes);
        foreach (var (offset, bytes) in _written) RandomAccess.Write(file, bytes, offset);
    }

    private static Microsoft.Win32.SafeHandles.SafeFileHandle Open(string path)
    {
        using (var made = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
            made.Flush();
        return File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
    }

    /// <summary>What differs from zeros, in runs of blocks.</summary>
    private static List<(long, byte[])> Written(string path)
    {
        var runs = new List<(long, byte[])>();
        using var file = File.OpenHandle(path);
        var buffer = new byte[1 << 20];
        foreach (var (start, end) in Native.SparseFile.Data(file))
            for (var at = start; at < end;)
            {
                var count = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - at)), at);
                if (count == 0) break;
                for (var i = 0; i < count; i += Block)
                {
                    var block = buffer.AsSpan(i, Math.Min(Block, count - i));
                    if (!block.ContainsAnyExcept((byte)0)) continue;
                    if (runs is [.., var (offset, bytes)] && offset + bytes.Length == at + i) runs[^1] = (offset, [.. bytes, .. block]);
                    else runs.Add((at + i, block.ToArray()));
                }
                at += count;
            }
        return runs;
    }
}
