using System.Diagnostics;
using Builds.Tests.Silos;

namespace Builds.Tests.Space;

/// <summary>
/// A disk of 96 MB in a file, which is mounted for a silo and those that it starts, and for nobody else: with the last of them the kernel
/// unmounts it and gives its loop device back, whatever becomes of the test.
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    private const long Size = 96L << 20;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly TempFolder folder = new();

    public SmallDisk()
    {
        Directory.CreateDirectory(Mount);
        using (var file = File.OpenHandle(Image, FileMode.CreateNew, FileAccess.Write))
            RandomAccess.SetLength(file, Size);
        // With the blocks that disks of usual size have.
        using var make = Process.Start("mkfs.ext4", ["-q", "-F", "-m", "0", "-b", "4096", Image])!;
        make.WaitForExit();
        make.ExitCode.ShouldBe(0, "mkfs.ext4");
    }

    private string Image => Path.Combine(folder.Path, "image");

    private string Mount => Path.Combine(folder.Path, "disk");

    /// <summary>A silo with its data on the disk.</summary>
    /// <param name="later">What its clock is ahead.</param>
    /// <param name="filled">Whether a file called <c>filler</c> takes all that is free, to the last block.</param>
    public SiloProcess Start(TimeSpan later, bool filled) => SiloProcess.Start(
        "unshare",
        [
            "--mount", "--propagation", "private", "--", "bash", "-c",
            $"mount -o loop '{Image}' '{Mount}' && {{ {(filled ? $"dd if=/dev/zero of='{Mount}/filler' bs=4k status=none 2>/dev/null" : "true")}; exec \"$@\"; }}", "silo",
            Builds.Support.TestProgram.Dotnet, typeof(SmallDisk).Assembly.Location, LaterSilo.Name, $"{later}",
            "serve", "--urls", "http://127.0.0.1:0", "--data", $"{Mount}/data", "--slots", "2",
        ],
        [],
        killPoint: null);

    /// <summary>A file of the disk, as the silo sees it while it lives.</summary>
    public string PathOf(SiloProcess silo, string name) => $"/proc/{silo.Id}/root{Mount}/{name}";

    /// <summary>Takes all that is free, to the last block.</summary>
    public void Fill(SiloProcess silo, string name)
    {
        var block = new byte[4096];
        using var file = File.OpenHandle(PathOf(silo, name), FileMode.Create, FileAccess.Write);
        try
        {
            for (long at = 0; ; at += block.Length)
                RandomAccess.Write(file, block, at);
        }
        catch (IOException error) when (error.HResult == NoSpace)
        {
            // That is what was wanted.
        }
    }

    private const int NoSpace = 28;

    /// <summary>Waits until the disk is nobody's any more.</summary>
    public async Task Gone()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        using var bound = new CancellationTokenSource(Bound);
        while (Devices().Any())
            await timer.WaitForNextTickAsync(bound.Token);
    }

    public void Dispose() => folder.Dispose();

    private IEnumerable<string> Devices() => Directory.EnumerateDirectories("/sys/block", "loop*").Where(device =>
        File.Exists($"{device}/loop/backing_file") && File.ReadAllText($"{device}/loop/backing_file").Trim() == Image);
}
