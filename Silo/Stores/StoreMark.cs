using System.Text.Json;

namespace Builds.Stores;

/// <summary>What <c>store.json</c> holds: who the store is.</summary>
internal sealed record StoreMark(string Id)
{
    public const string Name = "store.json";

    /// <summary>The mark of a store that has none.</summary>
    public static string New() => JsonSerializer.Serialize(new StoreMark($"{Guid.NewGuid():N}"));

    /// <summary>Throws <see cref="IOException"/> where it does not say who the store is.</summary>
    /// <param name="place">Where it was read.</param>
    public static string IdIn(ReadOnlySpan<byte> content, string place)
    {
        try
        {
            if (JsonSerializer.Deserialize<StoreMark>(content)?.Id is { Length: > 0 } id)
                return id;
        }
        catch (JsonException)
        {
            // Said below.
        }

        throw new IOException($"{place} does not say which store this is; it holds {{\"Id\":\"...\"}} in a store that is whole");
    }
}
