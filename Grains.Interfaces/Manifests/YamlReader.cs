using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Builds.Manifests;

/// <summary>
/// Turns the event stream of one document into nodes and stops at the first event that breaks a bound, so that no text, however
/// twisted, costs more than its length allows.
/// </summary>
internal sealed class YamlReader
{
    /// <summary>A manifest needs 5 levels; the rest is room for foreign keys. Keeps every recursion over nodes short.</summary>
    public const int MaxDepth = 64;

    /// <summary>After aliases and merge keys. A document without them cannot reach it, having at most one node per character.</summary>
    public const int MaxNodes = 20_000;

    /// <summary>Of all scalars after aliases: sixteen times what a manifest may hold, enough for any script shared by many tasks.</summary>
    public const int MaxExpandedCharacters = 16 * ManifestParser.MaxCharacters;

    private readonly ManifestErrors errors;
    private readonly Scanner scanner;
    private readonly Parser parser;
    private readonly Dictionary<string, YamlNode?> anchors = new(StringComparer.Ordinal);
    private int nodes;
    private int characters;

    public YamlReader(string text, ManifestErrors errors)
    {
        this.errors = errors;
        scanner = new Scanner(new StringReader(text));
        parser = new Parser(scanner);
    }

    /// <summary>The first document's root; null if there is none, or after an error, which is then in the list.</summary>
    public YamlNode? Read()
    {
        try
        {
            while (Next() is StreamStart or DocumentStart)
            {
                // The document begins behind its marks.
            }
            return parser.Current is StreamEnd ? null : ReadDocument();
        }
        catch (YamlException exception)
        {
            // For a tab as indentation the library names the key that it belongs to, which may be many lines above: the scanner stands at the tab.
            var place = YamlMessages.IsTab(exception) ? scanner.CurrentPosition : exception.Start;
            errors.Add((int)Math.Max(1, place.Line), (int)Math.Max(1, place.Column), "yaml: " + YamlMessages.Reason(exception));
            return null;
        }
        catch (RefusedException refused)
        {
            errors.Add(refused.Line, refused.Column, refused.Message);
            return null;
        }
    }

    /// <summary>Reads to the end of the document, since a mistake after its last node is a mistake too.</summary>
    private YamlNode ReadDocument()
    {
        var root = ReadNode(1);
        Next();
        return root;
    }

    private YamlNode ReadNode(int depth)
    {
        var current = parser.Current!;
        if (current is AnchorAlias alias)
            return Follow(alias, depth);

        if (depth > MaxDepth)
            throw Refuse(current, $"yaml: exceeded max depth: a manifest has at most {MaxDepth} levels");
        if (current is not NodeEvent start)
            throw Refuse(current, "yaml: did not find expected value");
        var (line, column) = Place(current);
        var (anchor, tag) = Properties(start);
        if (anchor is not null)
            anchors[anchor] = null;
        YamlNode node = current switch
        {
            Scalar scalar => ReadScalar(scalar, line, column, tag),
            SequenceStart => ReadSequence(new YamlSequence(line, column, tag), depth),
            _ => ReadMapping(new YamlMapping(line, column, tag), depth),
        };
        if (anchor is not null)
            anchors[anchor] = node;
        return node;
    }

    private YamlScalar ReadScalar(Scalar scalar, int line, int column, string? tag)
    {
        Spend(scalar, 1, scalar.Value.Length);
        if (ManifestText.FindUnstorable(scalar.Value) is { } name)
            throw Refuse(scalar, $"{name} cannot be part of a manifest: no file, variable or argument could hold it");
        return new YamlScalar(line, column, tag, scalar.Value, scalar.Style == ScalarStyle.Plain && tag is null);
    }

    private YamlSequence ReadSequence(YamlSequence sequence, int depth)
    {
        Spend(parser.Current!, 1, 0);
        while (Next() is not SequenceEnd)
            sequence.Add(ReadNode(depth + 1));
        return sequence;
    }

    private YamlMapping ReadMapping(YamlMapping mapping, int depth)
    {
        Spend(parser.Current!, 1, 0);
        while (Next() is not MappingEnd)
        {
            var key = ReadNode(depth + 1);
            Next();
            mapping.Add(key, ReadNode(depth + 1));
        }
        if (mapping.Merge() is { } wrong)
            throw new RefusedException(wrong.Line, wrong.Column, "yaml: map merge requires map or sequence of maps as the value");
        return mapping;
    }

    private YamlNode Follow(AnchorAlias alias, int depth)
    {
        var name = alias.Value.Value;
        var shown = ManifestErrors.Shorten(name);
        if (!anchors.TryGetValue(name, out var node))
            throw Refuse(alias, $"yaml: unknown anchor '{shown}' referenced");
        if (node is null)
            throw Refuse(alias, $"yaml: anchor '{shown}' value contains itself");
        if (depth + node.Height - 1 > MaxDepth)
            throw Refuse(alias, $"yaml: exceeded max depth: with '*{shown}' written out the manifest has more than {MaxDepth} levels");
        Spend(alias, node.Nodes, node.Characters);
        return node;
    }

    private void Spend(ParsingEvent current, int moreNodes, int moreCharacters)
    {
        nodes += moreNodes;
        characters += moreCharacters;
        if (nodes > MaxNodes || characters > MaxExpandedCharacters)
            throw Refuse(current, $"yaml: document contains excessive aliasing: written out it has more than {MaxNodes} values or {MaxExpandedCharacters} characters");
    }

    /// <summary>
    /// The next event. For some malformed texts the library leaves its own state machine with an exception meant for programming
    /// mistakes; for a reader of manifests it is a syntax error like any other.
    /// </summary>
    private ParsingEvent Next()
    {
        try
        {
            if (parser.MoveNext() && parser.Current is { } next)
                return next;
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException or IndexOutOfRangeException or InvalidCastException)
        {
            throw Refuse("yaml: syntax error: the text is not YAML from about here on");
        }
        throw Refuse("yaml: did not find expected value before the end of the text");
    }

    private RefusedException Refuse(string message)
    {
        var mark = scanner.CurrentPosition;
        return new RefusedException((int)Math.Max(1, mark.Line), (int)Math.Max(1, mark.Column), message);
    }

    private static (string? Anchor, string? Tag) Properties(NodeEvent node) =>
        (node.Anchor.IsEmpty ? null : node.Anchor.Value, node.Tag.IsEmpty ? null : node.Tag.Value);

    private static (int Line, int Column) Place(ParsingEvent current) => ((int)Math.Max(1, current.Start.Line), (int)Math.Max(1, current.Start.Column));

    private static RefusedException Refuse(ParsingEvent current, string message)
    {
        var (line, column) = Place(current);
        return new RefusedException(line, column, message);
    }

    /// <summary>Leaves the recursion; never leaves this class.</summary>
    private sealed class RefusedException(int line, int column, string message) : Exception(message)
    {
        public int Line { get; } = line;
        public int Column { get; } = column;
    }
}
