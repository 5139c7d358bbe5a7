using System.Collections.Immutable;

namespace Builds.Manifests;

/// <summary>Reads nodes as the types of the manifest's keys; a value of another type is a mistake and comes back empty.</summary>
internal sealed class ManifestValues(ManifestErrors errors)
{
    /// <summary>Numbers and booleans are taken as the text that was written; null is null.</summary>
    public string? Text(YamlNode node, string name)
    {
        if (node is not YamlScalar scalar)
        {
            Mismatch(node, "string", $"{name} is a text");
            return null;
        }
        if (scalar.Tag == YamlTags.Binary)
            return Binary(scalar, name);
        return YamlTyping.IsNull(scalar) ? null : scalar.Text;
    }

    public bool Flag(YamlNode node, string name)
    {
        if (node is YamlScalar scalar && YamlTyping.Resolve(scalar) is var value && value is EnvironmentValue.Flag or EnvironmentValue.Null)
            return value is EnvironmentValue.Flag { Value: true };
        Mismatch(node, "bool", $"{name} is true or false");
        return false;
    }

    public IReadOnlyList<YamlNode> List(YamlNode node, string name, string type)
    {
        if (node is YamlSequence sequence)
            return sequence.Items;
        if (!YamlTyping.IsNull(node))
            Mismatch(node, type, $"{name} is a list");
        return [];
    }

    public IEnumerable<(YamlNode Node, string Value)> Texts(YamlNode node, string name)
    {
        foreach (var item in List(node, name, "[]string"))
        {
            var before = errors.Count;
            var text = Text(item, $"each of {name}");
            if (errors.Count == before)
                yield return (item, text ?? "");
        }
    }

    /// <summary>Null for null and for what is not a map.</summary>
    public IReadOnlyList<YamlEntry>? Map(YamlNode node, string name, string type)
    {
        if (node is YamlMapping mapping)
        {
            if (mapping.CompoundKey is { } key)
                Mismatch(key, "string", $"keys of {name} are texts");
            return mapping.Entries;
        }
        if (!YamlTyping.IsNull(node))
            Mismatch(node, type, $"{name} is a map");
        return null;
    }

    public static EnvironmentValue Environment(YamlNode node) => node switch
    {
        YamlScalar scalar => YamlTyping.Resolve(scalar),
        YamlSequence sequence => new EnvironmentValue.List(sequence.Items.Select(Environment).ToImmutableArray()),
        _ => new EnvironmentValue.Map(),
    };

    private void Mismatch(YamlNode node, string type, string rule) => errors.Add(node, $"cannot unmarshal {YamlTags.Describe(node)} into {type}: {rule}");

    private string? Binary(YamlScalar scalar, string name)
    {
        errors.Add(scalar, $"cannot unmarshal !!binary into string: {name} is a text; write it as it is");
        return null;
    }
}
