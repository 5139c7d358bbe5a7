using System.Globalization;

namespace Builds.Space;

/// <summary>Bytes for people.</summary>
internal static class SpaceText
{
    public static string Of(long bytes) => bytes switch
    {
        < 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.#} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.#} GiB"),
    };
}
