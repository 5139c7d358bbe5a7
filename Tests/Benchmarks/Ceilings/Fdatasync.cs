using System.ComponentModel;
using System.Runtime.InteropServices;
using Builds.Benchmarks.Measuring;
using Microsoft.Win32.SafeHandles;

namespace Builds.Benchmarks.Ceilings;

/// <summary>What the disk can do: write a page of a file that has its size, as a database does in its log, and wait for it.</summary>
internal sealed partial class Fdatasync : IDisposable
{
    public const string Name = "fdatasync of one 4 KiB page";

    private const int Page = 4096, Pages = 1024;
    private readonly SafeFileHandle file;
    private readonly byte[] bytes = new byte[Page];
    private long written;

    public Fdatasync(string directory)
    {
        file = File.OpenHandle(Path.Combine(directory, $"fdatasync-{Guid.NewGuid():N}"), FileMode.CreateNew, FileAccess.ReadWrite, options: FileOptions.DeleteOnClose);
        RandomAccess.Write(file, new byte[Page * Pages], 0);
        RandomAccess.FlushToDisk(file);
    }

    public Task<Rate> Measure(TimeSpan span) => Load.Run(1, span, _ =>
    {
        WritePage();
        return Task.CompletedTask;
    });

    public void Dispose() => file.Dispose();

    private void WritePage()
    {
        RandomAccess.Write(file, bytes, written++ % Pages * Page);
        if (Sync(file) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "fdatasync failed.");
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int Sync(SafeFileHandle file);
}
