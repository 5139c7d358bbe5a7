using System.Globalization;
using System.Text;

namespace Builds.Benchmarks;

/// <summary>Rows for people, each printed as soon as it is known.</summary>
internal sealed class Table(TextWriter output)
{
    private static readonly CompositeFormat Line =
        CompositeFormat.Parse("{0,-50} {1,12} {2,10} {3,10} {4,10}   {5,-44} {6,12} {7,6} {8,12} {9,9} {10,7}");

    public void Head() => Print("figure", "", "p50", "p99", "cpu each", "beside", "", "ratio", "aim", "samples", "took");

    public void Add(Row row) => Print(
        row.Name,
        row.PerSecond(row.Figure),
        Time(row.Figure.Samples.Percentile(0.5)),
        Time(row.Figure.Samples.Percentile(0.99)),
        Time(row.Figure.ProcessorEach),
        row.Beside,
        row.PerSecond(row.Ceiling),
        row.Ceiling is { } ceiling ? Text($"{row.Figure.PerSecond / ceiling.PerSecond * 100:N0} %") : "",
        row.Aim,
        Text($"{row.Figure.Samples.Count:N0}"),
        Text($"{row.Figure.Took.TotalSeconds:N1} s"));

    /// <summary>Something that is no rate.</summary>
    public void Add(string name, string figure, string beside = "", string ceiling = "", string ratio = "", string aim = "") =>
        Print(name, figure, "", "", "", beside, ceiling, ratio, aim, "", "");

    /// <summary>Something that could not be measured, and why.</summary>
    public void Missing(string name, string why) => output.WriteLine($"{name,-50} not measured: {why}");

    private void Print(params object[] cells) => output.WriteLine(string.Format(CultureInfo.InvariantCulture, Line, cells).TrimEnd());

    private static string Time(TimeSpan? time) => time is { } known ? Text($"{known.TotalMilliseconds:N2} ms") : "";

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
