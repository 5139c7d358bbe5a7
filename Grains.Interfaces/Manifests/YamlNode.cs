namespace Builds.Manifests;

/// <summary>A piece of YAML with its place, after aliases and merge keys. Shared between places where the text has an alias.</summary>
internal abstract class YamlNode(int line, int column, string? tag)
{
    public int Line { get; } = line;
    public int Column { get; } = column;
    /// <summary>The tag as written out in full, or null.</summary>
    public string? Tag { get; } = tag;

    /// <summary>Nodes in this one when every alias is written out, itself included.</summary>
    public int Nodes { get; protected set; } = 1;
    /// <summary>Characters of all scalars in this one when every alias is written out.</summary>
    public int Characters { get; protected set; }
    /// <summary>Levels below and including this one.</summary>
    public int Height { get; protected set; } = 1;

    protected void Count(YamlNode child)
    {
        Nodes += child.Nodes;
        Characters += child.Characters;
        Height = Math.Max(Height, child.Height + 1);
    }
}

internal sealed class YamlScalar : YamlNode
{
    public YamlScalar(int line, int column, string? tag, string text, bool plain) : base(line, column, tag)
    {
        Text = text;
        Plain = plain;
        Characters = text.Length;
    }

    public string Text { get; }
    /// <summary>Neither quoted nor a block: the only style whose text can mean a number, a boolean or null.</summary>
    public bool Plain { get; }
}

internal sealed class YamlSequence(int line, int column, string? tag) : YamlNode(line, column, tag)
{
    private readonly List<YamlNode> items = [];

    public IReadOnlyList<YamlNode> Items => items;

    public void Add(YamlNode item)
    {
        items.Add(item);
        Count(item);
    }
}

internal readonly record struct YamlEntry(YamlScalar Key, YamlNode Value);

internal sealed class YamlMapping(int line, int column, string? tag) : YamlNode(line, column, tag)
{
    private readonly Dictionary<string, int> positions = new(StringComparer.Ordinal);
    private readonly List<YamlEntry> entries = [];
    private readonly List<YamlNode> merged = [];

    /// <summary>Keys are unique: a key written twice has the last value.</summary>
    public IReadOnlyList<YamlEntry> Entries => entries;

    /// <summary>The first key that is a list or a map; no key of a manifest is.</summary>
    public YamlNode? CompoundKey { get; private set; }

    public void Add(YamlNode key, YamlNode value)
    {
        Count(key);
        Count(value);
        if (key is not YamlScalar scalar)
            CompoundKey ??= key;
        else if (scalar is { Plain: true, Text: "<<" } || scalar.Tag == YamlTags.Merge)
            merged.Add(value);
        else
            Set(scalar, value);
    }

    /// <summary>
    /// Brings in the maps of merge keys (https://yaml.org/type/merge.html): written entries win over merged ones, earlier
    /// merged ones over later ones. Returns the node that cannot be merged, or null.
    /// </summary>
    public YamlNode? Merge()
    {
        foreach (var value in merged)
        {
            IReadOnlyList<YamlNode> sources = value is YamlSequence sequence ? sequence.Items : [value];
            foreach (var source in sources)
            {
                if (source is not YamlMapping mapping)
                    return source;
                CompoundKey ??= mapping.CompoundKey;
                foreach (var entry in mapping.Entries)
                {
                    if (!positions.ContainsKey(entry.Key.Text))
                        Set(entry.Key, entry.Value);
                }
            }
        }
        return null;
    }

    private void Set(YamlScalar key, YamlNode value)
    {
        if (positions.TryGetValue(key.Text, out var position))
        {
            entries[position] = new YamlEntry(key, value);
            return;
        }
        positions.Add(key.Text, entries.Count);
        entries.Add(new YamlEntry(key, value));
    }
}
