using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;

namespace Builds.Tests.Chaos.Measurements;

/// <summary>One measured value.</summary>
/// <param name="Unit"><c>s</c> for times, <c>n</c> for counts, which are added up, or another one for what has a middle and ends.</param>
internal sealed record Figure(string What, double Value, string Unit);

/// <summary>What was measured, value by value, each of them also in a file that adds up over runs. Thread safe.</summary>
/// <param name="file">Null: none.</param>
internal sealed class Figures(string? file)
{
    public const string Times = "s", Counts = "n";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly ConcurrentQueue<Figure> all = [];

    public IReadOnlyCollection<Figure> All => all;

    public void Time(string what, TimeSpan value) => Add(new Figure(what, value.TotalSeconds, Times));

    public void Count(string what, int value) => Add(new Figure(what, value, Counts));

    public void Add(Figure figure)
    {
        all.Enqueue(figure);
        if (file is null)
            return;
        lock (all)
            File.AppendAllText(file, JsonSerializer.Serialize(figure, Json) + "\n");
    }

    public static IReadOnlyList<Figure> Read(string file) => [.. File.ReadLines(file).Select(line => JsonSerializer.Deserialize<Figure>(line, Json)!)];

    /// <summary>A line for each thing that was measured: how many values, and the middle one, the 99th of a hundred, the worst.</summary>
    public static string Text(IEnumerable<Figure> figures) => string.Join('\n', figures.GroupBy(figure => (figure.What, figure.Unit)).Select(Line));

    private static string Line(IGrouping<(string What, string Unit), Figure> group)
    {
        double[] values = [.. group.Select(figure => figure.Value).Order()];
        return group.Key.Unit == Counts
            ? string.Create(CultureInfo.InvariantCulture, $"  {group.Key.What}: {values.Sum():0} in {values.Length} (most {values[^1]:0})")
            : string.Create(CultureInfo.InvariantCulture, $"  {group.Key.What}: {values.Length} values, least {values[0]:0.###}, p50 {Percentile(values, 50):0.###}, p99 {Percentile(values, 99):0.###}, worst {values[^1]:0.###} {group.Key.Unit}");
    }

    /// <summary>By nearest rank: a value that was measured.</summary>
    /// <param name="sorted">At least one, least first.</param>
    public static double Percentile(double[] sorted, int percent) => sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * percent / 100.0) - 1)];
}
