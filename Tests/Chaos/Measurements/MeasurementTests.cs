using System.Globalization;
using Builds.Support;
using Builds.Tests.Silos;
using Xunit.Abstractions;

namespace Builds.Tests.Chaos.Measurements;

/// <summary>
/// What a cluster promises about time, measured on real silos and a real database; that nothing is lost or twice is asserted, times are not.
/// BUILDS_CHAOS_MEASURE=kills:100 says what and how often, BUILDS_CHAOS_FIGURES=FILE keeps every value and adds up over runs.
/// </summary>
public sealed class MeasurementTests(ITestOutputHelper output)
{
    private const string Short = "kills:1,drains:5,livelog:1";

    private static readonly string? Asked = Environment.GetEnvironmentVariable("BUILDS_CHAOS_MEASURE") is { Length: > 0 } asked ? asked : null;

    [PostgresFact]
    public async Task What_a_cluster_promises_about_time_is_measured_and_nothing_is_lost_or_twice_meanwhile()
    {
        var file = Environment.GetEnvironmentVariable("BUILDS_CHAOS_FIGURES") is { Length: > 0 } given ? given : null;
        var figures = new Figures(file);
        await using var postgres = await PostgresServer.Start();
        await using var field = await Field.Start(postgres, figures, Tell);
        try
        {
            foreach (var (what, times) in Parse(Asked ?? Short))
                await Measure(field, what, times, isShort: Asked is null);
            await field.Settle();
        }
        catch (HarnessException mistake)
        {
            field.Mistaken(mistake.Message);
        }

        Tell($"Figures of this run:\n{Figures.Text(figures.All)}");
        if (file is not null && File.Exists(file))
            Tell($"In all:\n{Figures.Text(Figures.Read(file))}");
        field.Mistakes.ShouldBeEmpty();
    }

    [Fact]
    public void Percentiles_are_values_that_were_measured_and_counts_are_added_up_also_over_runs()
    {
        using var folder = new TempFolder();
        var file = Path.Combine(folder.Path, "figures");
        for (var run = 0; run < 2; run++)
        {
            var figures = new Figures(file);
            for (var value = 1 + run; value <= 200; value += 2)
                figures.Time("late", TimeSpan.FromSeconds(value));
            figures.Count("ended", run + 1);
        }

        Figures.Text(Figures.Read(file)).ShouldBe("  late: 200 values, least 1, p50 100, p99 198, worst 200 s\n  ended: 3 in 2 (most 2)");
    }

    private static Task Measure(Field field, string what, int times, bool isShort) => what switch
    {
        "kills" => new Losses(field).Run(times, Trial.Kill),
        "queuekills" => new Losses(field).Run(times, Trial.KillOfQueue),
        "freezes" => new Losses(field).Run(times, Trial.Freeze, Trial.FreezeOfQueue),
        "database" => new DatabaseAway(field).Run(times),
        "rolling" => new Rolling(field).Run(times),
        "drains" => new Drains(field).Run(times),
        "livelog" => new LiveLog(field, megabytes: isShort ? 4 : 200).Run(times),
        _ => throw new FormatException($"BUILDS_CHAOS_MEASURE names kills, queuekills, freezes, database, rolling, drains or livelog, each with :TIMES, separated by commas; not '{what}'"),
    };

    private static IEnumerable<(string What, int Times)> Parse(string text) => text.Split(',').Select(one => one.Split(':'))
        .Select(words => (words[0], words.Length > 1 ? int.Parse(words[1], NumberStyles.None, CultureInfo.InvariantCulture) : 1));

    private void Tell(string line)
    {
        output.WriteLine(line);
        if (Environment.GetEnvironmentVariable("BUILDS_CHAOS_STORY") is { Length: > 0 } story)
        {
            lock (output)
                File.AppendAllText(story, line + "\n");
        }
    }
}
