namespace Builds.Execution;

/// <summary>What every command of a build starts with.</summary>
internal static class BuildEnvironment
{
    private const string Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <param name="home">As the build sees it.</param>
    /// <param name="tools">A directory that comes before all others when a program is looked for; null: none.</param>
    public static IReadOnlyList<KeyValuePair<string, string>> Of(string home, string? tools) =>
    [
        new("HOME", home),
        new("USER", "build"),
        new("LOGNAME", "build"),
        new("SHELL", "/bin/bash"),
        new("PATH", tools is null ? Path : $"{tools}:{Path}"),
        new("LANG", "C.UTF-8"),
        new("TERM", "dumb"),
    ];

    /// <summary>For what the silo does as root of a sandbox.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> OfRoot { get; } =
    [
        new("HOME", "/root"),
        new("USER", "root"),
        new("LOGNAME", "root"),
        new("SHELL", "/bin/sh"),
        new("PATH", Path),
        new("LANG", "C.UTF-8"),
        new("TERM", "dumb"),
        new("DEBIAN_FRONTEND", "noninteractive"),
    ];
}
