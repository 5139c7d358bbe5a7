using Builds.Stores;

namespace Builds.Execution.Limits;

/// <summary>
/// Looks every second whether the machine's disk was nearly full while a build ran. The disk of a build is a file that grows there, and where
/// it cannot, what the build wrote is lost without a word to it: the kernel keeps the news for who asks the disk as a whole.
/// </summary>
internal sealed class MachineRoom : IDisposable
{
    private const long Near = 1L << 30;
    private const int Share = 10;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly string _directory;
    private readonly ITimer _timer;
    private volatile bool _wasShort;

    /// <param name="directory">On the disk.</param>
    /// <param name="time">Of the looks.</param>
    public MachineRoom(string directory, TimeProvider time)
    {
        _directory = directory;
        _timer = time.CreateTimer(_ => Look(), null, TimeSpan.Zero, Interval);
    }

    /// <summary>Whether there was little room at any of the looks, of which this is one. Where nothing can be found out: true.</summary>
    public bool WasShort
    {
        get
        {
            Look();
            return _wasShort;
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        try
        {
            var disk = FileSystems.Of(_directory);
            if (disk.AvailableFreeSpace < Math.Min(Near, disk.TotalSize / Share)) _wasShort = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // To ask once more than needed only takes time.
            _wasShort = true;
        }
    }
}
