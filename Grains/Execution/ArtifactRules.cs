using System.Collections.Immutable;

namespace Builds.Execution;

/// <summary>Which artifacts of a manifest are collected (contract/manifest section 9). Paths are literal: no globs, no tilde, no variables.</summary>
public static class ArtifactRules
{
    /// <summary>A job with more keeps none, and still succeeds.</summary>
    public const int MaxArtifacts = 8;

    public static ArtifactChoice Choose(ImmutableArray<string> artifacts)
    {
        if (artifacts.Length > MaxArtifacts)
            return new ArtifactChoice.None($"Error: {artifacts.Length} artifacts are more than the {MaxArtifacts} allowed, so none is kept");
        return new ArtifactChoice.Collect(artifacts);
    }

    /// <summary>
    /// The path below the home directory, without dots and doubled slashes, or null if it names no file there: it is empty, a directory,
    /// or outside. Good for a name on the reader's disk too, since it cannot leave the directory it is put into.
    /// </summary>
    public static string? Inside(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.StartsWith(BuildScripts.Home + "/", StringComparison.Ordinal))
            path = path[(BuildScripts.Home.Length + 1)..];
        else if (path.StartsWith('/'))
            return null;
        if (path.EndsWith('/') || path.Contains('\0', StringComparison.Ordinal))
            return null;

        var parts = new List<string>();
        foreach (var part in path.Split('/'))
        {
            if (part == ".." && parts.Count == 0)
                return null;
            if (part == "..")
                parts.RemoveAt(parts.Count - 1);
            else if (part is not ("" or "."))
                parts.Add(part);
        }
        return parts.Count == 0 || path.Split('/')[^1] is "." or ".." ? null : string.Join('/', parts);
    }
}

/// <summary>What becomes of a job's artifacts.</summary>
public abstract record ArtifactChoice
{
    private ArtifactChoice() { }

    /// <param name="Paths">In manifest order, as written.</param>
    public sealed record Collect(ImmutableArray<string> Paths) : ArtifactChoice;

    /// <param name="Line">For the setup log.</param>
    public sealed record None(string Line) : ArtifactChoice;
}
