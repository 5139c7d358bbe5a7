using System.Collections.Immutable;

namespace Builds.Execution;

/// <summary>One entry of <c>sources</c>, taken apart (contract/manifest section 6).</summary>
/// <param name="Scm">The tool that clones.</param>
/// <param name="Url">What the tool is given: an address, a path, or the scp-like <c>user@host:path</c>.</param>
/// <param name="Directory">Relative to the home directory and never outside it.</param>
/// <param name="Ref">Branch, tag or commit; null for the default branch of the remote.</param>
public sealed record SourceReference(SourceScm Scm, string Url, string Directory, string? Ref)
{
    /// <summary>Reads <c>[DIRECTORY::][SCM+]URL[#REF]</c>.</summary>
    public static SourceResult Parse(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Any(char.IsControl))
            return Refuse(source, "has a control character");

        var (rest, revision) = SplitRevision(source);
        if (revision?.StartsWith('-') == true)
            return Refuse(source, "has a ref that begins with '-', which the tool would take for an option");
        (var directory, rest) = SplitDirectory(rest);
        if (SplitScm(rest) is not var (scm, url))
            return Refuse(source, "asks for a tool that is not known; git+ and hg+ are");
        if (url.Length == 0)
            return Refuse(source, "has no address");

        directory ??= NameOf(url);
        return IsInside(directory)
            ? new SourceResult.Parsed(new SourceReference(scm, url, directory, revision))
            : Refuse(source, $"would be cloned to '{directory}', which is not a directory below the home directory; choose one with DIRECTORY::URL");
    }

    /// <summary>
    /// An entry as it may be shown: without the password of its address, and without a lone user too unless it is that of ssh: so are
    /// tokens given elsewhere.
    /// </summary>
    public static string Shown(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var begin = source.IndexOf("://", StringComparison.Ordinal) + "://".Length;
        if (begin < "://".Length)
            return source;
        var end = source.IndexOfAny(['/', '?', '#'], begin);
        var at = source.LastIndexOf('@', (end < 0 ? source.Length : end) - 1);
        if (at < begin)
            return source;
        var colon = source.IndexOf(':', begin, at - begin);
        if (colon < 0)
            return source[..(begin - 3)].EndsWith("ssh", StringComparison.Ordinal) ? source : $"{source[..begin]}***{source[at..]}";
        return $"{source[..(colon + 1)]}***{source[at..]}";
    }

    /// <summary>The commands that bring it to its directory, in order, each to be run in the home directory.</summary>
    public ImmutableArray<ImmutableArray<string>> Commands() => (Scm, Ref) switch
    {
        (SourceScm.Git, null) => [["git", "clone", "--", Url, Directory], Submodules()],
        (SourceScm.Git, { } revision) => [["git", "clone", "--", Url, Directory], ["git", "-C", Directory, "checkout", "-q", revision, "--"], Submodules()],
        (SourceScm.Mercurial, null) => [["hg", "clone", "--", Url, Directory]],
        (SourceScm.Mercurial, { } revision) => [["hg", "clone", "--", Url, Directory], ["hg", "--cwd", Directory, "update", "-y", "--", revision]],
    };

    /// <summary>The command that prints which commit is checked out, to be run in the home directory.</summary>
    public ImmutableArray<string> CommitCommand() => Scm switch
    {
        SourceScm.Git => ["git", "-C", Directory, "rev-parse", "HEAD"],
        _ => ["hg", "--cwd", Directory, "log", "--rev", ".", "--template", "{node}\n"],
    };

    private ImmutableArray<string> Submodules() => ["git", "-C", Directory, "submodule", "update", "--init", "--recursive"];

    /// <summary>With several number signs there is no telling which one is meant, so all belong to the address.</summary>
    private static (string Source, string? Revision) SplitRevision(string source)
    {
        var parts = source.Split('#');
        return parts.Length != 2 ? (source, null) : (parts[0], parts[1].Length == 0 ? null : parts[1]);
    }

    /// <summary>The <c>::</c> of an IPv6 address stands behind a bracket or after the scheme.</summary>
    private static (string? Directory, string Source) SplitDirectory(string text)
    {
        var mark = text.IndexOf("::", StringComparison.Ordinal);
        if (mark < 0 || text.AsSpan(0, mark).Contains('[') || text.AsSpan(0, mark).Contains("://", StringComparison.Ordinal))
            return (null, text);
        return (text[..mark], text[(mark + 2)..]);
    }

    private static (SourceScm Scm, string Url)? SplitScm(string text)
    {
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        var plus = scheme < 0 ? -1 : text.IndexOf('+', 0, scheme);
        if (plus < 0)
            return (SourceScm.Git, text);
        return text[..plus] switch
        {
            "git" => (SourceScm.Git, text[(plus + 1)..]),
            "hg" => (SourceScm.Mercurial, text[(plus + 1)..]),
            _ => null,
        };
    }

    private static string NameOf(string url)
    {
        var path = url.TrimEnd('/');
        var name = path[(path.LastIndexOf('/') + 1)..];
        var colon = path.Contains("://", StringComparison.Ordinal) ? -1 : name.LastIndexOf(':');
        name = name[(colon + 1)..];
        return name.EndsWith(".git", StringComparison.Ordinal) ? name[..^".git".Length] : name;
    }

    private static bool IsInside(string directory) =>
        directory.Length > 0 && directory.Split('/') is var parts && parts.All(part => part is not ("" or "." or ".."));

    private static SourceResult.Refused Refuse(string source, string why) => new($"source '{string.Concat(Shown(source).Select(c => char.IsControl(c) ? '?' : c))}' {why}");
}

/// <summary>A tool that clones.</summary>
public enum SourceScm
{
    Git,
    Mercurial,
}

/// <summary>What an entry of <c>sources</c> means, or why it means nothing.</summary>
public abstract record SourceResult
{
    private SourceResult() { }

    public sealed record Parsed(SourceReference Source) : SourceResult;

    /// <param name="Reason">One sentence that names the entry.</param>
    public sealed record Refused(string Reason) : SourceResult;
}
