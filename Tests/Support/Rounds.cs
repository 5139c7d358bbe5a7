using System.Globalization;

namespace Builds.Tests;

/// <summary>How often properties are tried: BUILDS_ROUNDS times as often as usual, for a long search.</summary>
internal static class Rounds
{
    private static readonly int Factor = int.Parse(Environment.GetEnvironmentVariable("BUILDS_ROUNDS") ?? "1", CultureInfo.InvariantCulture);

    public static int Of(int usual) => usual * Factor;
}
