using System.Globalization;
using System.Text;

namespace Builds.Benchmarks;

/// <summary>Rows for people, each printed as soon as it is known.</summary>
internal sealed class Table(TextWriter output)
{
    private static readonly CompositeFormat Line = CompositeFormat.Parse("{0,-44} {1,12} {2,10} {3,10}   {4,-40} {5,12} {6,6} {7,8} {8,9} {9,7}");

    public void Head() => Print("figure", "", "p50", "p99", "beside", "", "ratio", "aim", "samples", "took");

    public void Add(Row row) => Print(
        row.Name, row.Value, Time(row.Samples.Percentile(0.5)), Time(row.Samples.Percentile(0.99)),
        row.Beside, row.Ceiling, row.Ratio is { } ratio ? Text($"{ratio * 100:N0} %") : "", row.Aim,
        Text($"{row.Samples.Count:N0}"), Text($"{row.Took.TotalSeconds:N1} s"));

    /// <summary>Something that could not be measured, and why.</summary>
    public void Missing(string name, string why) => output.WriteLine($"{name,-44} not measured: {why}");

    private void Print(params object[] cells) => output.WriteLine(string.Format(CultureInfo.InvariantCulture, Line, cells).TrimEnd());

    private static string Time(TimeSpan? time) => time is { } known ? Text($"{known.TotalMilliseconds:N2} ms") : "";

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
