using System.Collections.Immutable;
using System.Text.Json;

namespace Builds.Requests;

/// <summary>A JSON object as request fields. Of a key given twice the last one counts.</summary>
public static class JsonFields
{
    public static RequestFields Parse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Convert(document.RootElement) is FieldValue.Map map
                ? new RequestFields(map.Fields, isForm: false)
                : Nothing("Expected JSON dictionary");
        }
        catch (JsonException)
        {
            return Nothing("Invalid JSON provided");
        }
        catch (InvalidOperationException)
        {
            // An escape like \ud800 is half a character: the text cannot be stored or sent back.
            return Nothing("Invalid JSON provided");
        }
    }

    private static RequestFields Nothing(string mistake) =>
        new(ImmutableDictionary<string, FieldValue>.Empty, isForm: false, new ApiError(null, mistake));

    private static FieldValue Convert(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => new FieldValue.Null(),
        JsonValueKind.String => new FieldValue.Text(element.GetString()!),
        JsonValueKind.True => new FieldValue.Flag(true),
        JsonValueKind.False => new FieldValue.Flag(false),
        JsonValueKind.Number => element.TryGetInt64(out var number) ? new FieldValue.Whole(number) : new FieldValue.Other(),
        JsonValueKind.Array => new FieldValue.List([.. element.EnumerateArray().Select(Convert)]),
        JsonValueKind.Object => Map(element),
    };

    private static FieldValue.Map Map(JsonElement element)
    {
        var fields = ImmutableDictionary.CreateBuilder<string, FieldValue>(StringComparer.Ordinal);
        foreach (var property in element.EnumerateObject())
            fields[property.Name] = Convert(property.Value);
        return new FieldValue.Map(fields.ToImmutable());
    }
}
