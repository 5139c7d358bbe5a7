namespace Builds.Commands;

/// <summary>What the program's exit status says.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int BuildFailed = 1;
    /// <summary>A bad manifest, or a command line that makes no sense.</summary>
    public const int Usage = 2;
    /// <summary>It could not run: the machine, the server or the directory is not as it must be.</summary>
    public const int CouldNotRun = 3;
    public const int Interrupted = 130;
}
