namespace Builds.Execution;

internal sealed partial class BuildExecutor
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Builds run in driver {Driver}.")]
    private partial void LogDriver(string driver);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Builds run WITHOUT ISOLATION, as plain processes: {Why}.")]
    private partial void LogNoIsolation(string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Ended {Guards} processes and removed {Homes} homes that an earlier silo left behind.")]
    private partial void LogLeftovers(int guards, int homes);
}
