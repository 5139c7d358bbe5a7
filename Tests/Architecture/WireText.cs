using System.Collections;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Builds.Tests.Architecture;

/// <summary>What a value says, as JSON with the names of its members and types: it knows nothing of serializers, so it can judge them.</summary>
internal static class WireText
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Text(object? value) => Node(value)?.ToJsonString(Readable) ?? "null";

    public static JsonNode? Node(object? value) => value switch
    {
        null => null,
        string text => text,
        bool flag => flag,
        int number => number,
        long number => number,
        Enum word => word.ToString(),
        DateTimeOffset time => time.ToString("O"),
        TimeSpan duration => duration.ToString("c"),
        KeyValuePair<string, string> pair => new JsonArray(pair.Key, pair.Value),
        IEnumerable many => new JsonArray([.. many.Cast<object?>().Select(Node)]),
        _ => Record(value),
    };

    private static JsonObject Record(object value)
    {
        var record = new JsonObject { ["$"] = Name(value.GetType()) };
        foreach (var member in WireSamples.Members(value.GetType()))
            record[member.Name] = Node(member.GetValue(value));
        return record;
    }

    public static string Name(Type type) => type.GetCustomAttribute<AliasAttribute>(inherit: false)?.Alias ?? type.Name;

    /// <summary>
    /// Every difference between what was put in and what was read, one line each. A member that was not there when it was written must
    /// have the value that <paramref name="added"/> says, by Type.Member.
    /// </summary>
    public static IEnumerable<string> Differences(JsonNode? put, JsonNode? read, IReadOnlyDictionary<string, string> added, string path)
    {
        return (put, read) switch
        {
            (JsonObject one, JsonObject other) => [.. one.SelectMany(member => other.ContainsKey(member.Key)
                ? Differences(member.Value, other[member.Key], added, $"{path}.{member.Key}")
                : [$"{path}.{member.Key}: was {Json(member.Value)}, is no more"]),
                .. other.Where(member => !one.ContainsKey(member.Key)).SelectMany(member => New(member, added, $"{other["$"]}.{member.Key}", path))],
            (JsonArray one, JsonArray other) when one.Count == other.Count =>
                one.Zip(other).SelectMany((pair, index) => Differences(pair.First, pair.Second, added, $"{path}[{index}]")),
            _ when JsonNode.DeepEquals(put, read) => [],
            _ => [$"{path}: was {Json(put)}, is read as {Json(read)}"],
        };
    }

    private static IEnumerable<string> New(KeyValuePair<string, JsonNode?> member, IReadOnlyDictionary<string, string> added, string name, string path)
    {
        var read = Json(member.Value);
        if (!added.TryGetValue(name, out var expected))
            return [$"{path}.{member.Key}: is new and not in Added.txt; a value without it reads as: {name}\t{read}"];
        return expected == read ? [] : [$"{path}.{member.Key}: is new, must be {expected}, is read as {read}"];
    }

    private static string Json(JsonNode? node) => node?.ToJsonString(Readable) ?? "null";
}
