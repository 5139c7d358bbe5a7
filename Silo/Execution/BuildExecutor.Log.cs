namespace Builds.Execution;

internal sealed partial class BuildExecutor
{
    [LoggerMessage(EventId = 1600, Level = LogLevel.Information, Message = "Builds run in driver {Driver}.")]
    private partial void LogDriver(string driver);

    [LoggerMessage(EventId = 1601, Level = LogLevel.Warning, Message = "Builds run WITHOUT ISOLATION, as plain processes: {Why}.")]
    private partial void LogNoIsolation(string why);

    [LoggerMessage(EventId = 1602, Level = LogLevel.Warning, Message = "Ended {Guards} processes and removed {Homes} homes that an earlier silo left behind.")]
    private partial void LogLeftovers(int guards, int homes);

    [LoggerMessage(EventId = 1603, Level = LogLevel.Warning, Message = "Removed {Removed} containers, control groups and networks that nobody had any more.")]
    private partial void LogSwept(int removed);

    [LoggerMessage(EventId = 1604, Level = LogLevel.Warning, Message = "What builds may have left could not be removed; tried again in a minute: {Why}")]
    private partial void LogNotSwept(string why);

    [LoggerMessage(EventId = 1621, Level = LogLevel.Warning, Message = "The rules of nftables that keep builds from this machine were gone, up to a minute long, and are there again: something drops all rules (nft flush ruleset). Let it leave the tables whose names begin with builds_.")]
    private partial void LogRulesWereGone();

    [LoggerMessage(EventId = 1640, Level = LogLevel.Warning, Message = "Image {Image} is not offered: {Why}.")]
    private partial void LogNotOffered(string image, string why);

    [LoggerMessage(EventId = 1632, Level = LogLevel.Warning, Message = "Removed {Drafts} images that were half made, or half removed, when their makers were killed.")]
    private partial void LogDrafts(int drafts);

    [LoggerMessage(EventId = 1450, Level = LogLevel.Information, Message = "Builds:Execution:Nice counts only within one task of a build: {Why}. To mend it: sysctl kernel.sched_autogroup_enabled=0, or CPUWeight=100 in the systemd unit.")]
    private partial void LogNotNice(string why);
}
