using System.Globalization;
using Builds.Benchmarks.Measuring;

namespace Builds.Benchmarks;

/// <summary>One figure, and what it is held against.</summary>
/// <param name="Ratio">The figure as a share of its ceiling.</param>
internal sealed record Row(string Name, string Value, Samples Samples, TimeSpan Took, string Aim = "", string Beside = "", string Ceiling = "", double? Ratio = null)
{
    /// <summary>Operations per second.</summary>
    public static Row Of(string name, Rate rate) => new(name, PerSecond(rate), rate.Samples, rate.Took);

    /// <summary>MiB per second.</summary>
    public static Row OfBytes(string name, Rate rate) => new(name, MiBPerSecond(rate), rate.Samples, rate.Took);

    /// <summary>The ceiling was measured in turns with the figure.</summary>
    public Row Under(string beside, Rate ceiling, Rate figure, string aim = "") => this with
    {
        Aim = aim,
        Beside = beside,
        Ceiling = Value.EndsWith("MiB/s", StringComparison.Ordinal) ? MiBPerSecond(ceiling) : PerSecond(ceiling),
        Ratio = figure.PerSecond / ceiling.PerSecond,
    };

    private static string PerSecond(Rate rate) =>
        string.Create(CultureInfo.InvariantCulture, $"{rate.PerSecond:N0} /s");

    private static string MiBPerSecond(Rate rate) => string.Create(CultureInfo.InvariantCulture, $"{rate.PerSecond:N0} MiB/s");
}
