using System.CommandLine;
using Builds.Cluster;

namespace Builds.Commands;

/// <summary>Which cluster a command means: by its option, or by the setting that the silos have too.</summary>
internal static class DatabaseOption
{
    private const string Setting = $"{ClusterOptions.Section}:{nameof(ClusterOptions.ConnectionString)}";

    public static Option<string?> Create() => new("--cluster")
    {
        Description = "The PostgreSQL database of the cluster, as \"Host=…;Username=…;Password=…\". Default: Builds__Cluster__ConnectionString of the environment.",
        HelpName = "DATABASE",
    };

    /// <summary>The connection string. Throws <see cref="CommandException"/> if there is none.</summary>
    public static string Read(ParseResult line, Option<string?> option)
    {
        var said = line.GetValue(option) ?? new ConfigurationBuilder().AddEnvironmentVariables().Build()[Setting];
        return string.IsNullOrWhiteSpace(said)
            ? throw new CommandException(ExitCode.Usage, $"which cluster? Name its database with --cluster, or in the environment as {Setting.Replace(":", "__", StringComparison.Ordinal)}")
            : said;
    }
}
