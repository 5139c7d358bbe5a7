using System.Globalization;
using Builds.Benchmarks.Measuring;

namespace Builds.Benchmarks;

/// <summary>One figure, and what it is held against.</summary>
internal sealed record Row(string Name, string Unit, Rate Figure)
{
    /// <summary>The name of the ceiling; empty for one that is a ceiling itself.</summary>
    public string Beside { get; private init; } = "";

    /// <summary>Measured in turns with the figure.</summary>
    public Rate? Ceiling { get; private init; }

    public string Aim { get; init; } = "";

    /// <summary>False where operations were done one at a time with pauses in between: their number per second says nothing.</summary>
    public bool HasRate { get; init; } = true;

    /// <summary>Operations.</summary>
    public static Row Of(string name, Rate figure) => new(name, "/s", figure);

    public static Row OfBytes(string name, Rate figure) => new(name, "MiB/s", figure);

    public Row Under(string beside, Rate ceiling, string aim = "") => this with { Beside = beside, Ceiling = ceiling, Aim = aim };

    public string PerSecond(Rate? rate) =>
        rate is { } known && HasRate ? string.Create(CultureInfo.InvariantCulture, $"{known.PerSecond:N0} {Unit}") : "";
}
