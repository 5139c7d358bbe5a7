using System.Collections.Immutable;

namespace Builds.Manifests;

/// <summary>Collects mistakes, so that a writer sees all of them at once.</summary>
internal sealed class ManifestErrors
{
    /// <summary>A person reads a screenful; a hostile manifest could hold thousands and make the answer larger than the question.</summary>
    public const int MaxErrors = 50;

    /// <summary>How much of a value a message repeats: the longest task name in whole.</summary>
    private const int MaxQuoted = 128;

    private readonly List<ManifestError> errors = [];

    public int Count => errors.Count;

    public bool Any => errors.Count > 0;

    public void Add(YamlNode node, string message) => Add(node.Line, node.Column, message);

    public void Add(int line, int column, string message) => errors.Add(new ManifestError(line, column, message));

    public ManifestResult.Refused ToResult()
    {
        var ordered = errors.Distinct().OrderBy(error => error.Line).ThenBy(error => error.Column).ToList();
        if (ordered.Count > MaxErrors)
        {
            var rest = ordered.Count - MaxErrors + 1;
            var next = ordered[MaxErrors - 1];
            ordered.RemoveRange(MaxErrors - 1, rest);
            ordered.Add(next with { Message = $"{rest} more mistakes from here on are not listed" });
        }
        return new ManifestResult.Refused(ordered.ToImmutableArray());
    }

    public static string Shorten(string value, int most = MaxQuoted)
    {
        if (value.Length <= most)
            return value;
        var cut = char.IsHighSurrogate(value[most - 1]) ? most - 1 : most;
        return string.Concat(value.AsSpan(0, cut), "...");
    }
}
