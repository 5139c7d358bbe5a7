namespace Builds.Execution;

/// <summary>What every command of a build starts with.</summary>
internal static class BuildEnvironment
{
    private const string Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <param name="home">As the build sees it.</param>
    /// <param name="tools">A directory that comes before all others when a program is looked for.</param>
    public static IReadOnlyList<KeyValuePair<string, string>> Of(string home, string tools) =>
    [
        new("HOME", home),
        new("USER", "build"),
        new("LOGNAME", "build"),
        new("SHELL", "/bin/bash"),
        new("PATH", $"{tools}:{Path}"),
        new("LANG", "C.UTF-8"),
        new("TERM", "dumb"),
    ];
}
