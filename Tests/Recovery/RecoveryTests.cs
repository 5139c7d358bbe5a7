using System.Globalization;
using System.Text.RegularExpressions;
using Builds.Execution;
using Builds.Tests.Silos;
using Xunit.Abstractions;

namespace Builds.Tests.Recovery;

/// <summary>
/// The real silo is killed again and again, at named points and at moments without a name, and started again on what it left (architecture,
/// section 7, as far as it applies to one silo). BUILDS_RECOVERY_ROUNDS makes it long, BUILDS_RECOVERY_SEED makes it another run.
/// </summary>
public sealed partial class RecoveryTests(ITestOutputHelper output)
{
    private const int ShortRun = 4;

    [Fact]
    public async Task Nothing_that_was_acknowledged_is_lost_and_nothing_runs_twice_however_often_the_silo_is_killed()
    {
        var rounds = Number("BUILDS_RECOVERY_ROUNDS", ShortRun);
        var seed = Number("BUILDS_RECOVERY_SEED", 1);
        output.WriteLine($"BUILDS_RECOVERY_ROUNDS={rounds} BUILDS_RECOVERY_SEED={seed}");
        var figures = new Figures();

        var mistakes = new List<string>();
        foreach (var chain in Chain.Plan(rounds, seed, Needs.Bubblewrap))
        {
            using var run = new ChainRun(chain, figures, output);
            try
            {
                await run.Run();
            }
            catch (HarnessException mistake)
            {
                // The other chains have stories of their own to tell.
                mistakes.Add(mistake.Message);
            }
        }

        output.WriteLine(figures.ToString());
        mistakes.ShouldBeEmpty();
        figures.Rounds.ShouldBe(rounds);
        figures.Points.Values.Sum().ShouldBe((rounds + 1) / 2);
    }

    [Fact]
    public void The_harness_knows_every_kill_point_of_the_product()
    {
        var inCode = Repository.Files(".cs").Where(file => !file.StartsWith("Tests", StringComparison.Ordinal))
            .SelectMany(file => PointName().Matches(File.ReadAllText(Repository.PathOf(file)))).Select(match => match.Groups["name"].Value).ToArray();

        inCode.ShouldBeUnique();
        inCode.Order(StringComparer.Ordinal).ShouldBe(KnownPoint.All.Select(point => point.Name.Split('/')[0]).Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(20261124)]
    public void A_long_run_visits_every_kill_point_and_a_seed_gives_the_same_run(int seed)
    {
        var plan = Chain.Plan(200, seed, bubblewrapWorks: true);

        var rounds = plan.SelectMany(chain => chain.Rounds).ToArray();
        rounds.Length.ShouldBe(200);
        rounds.Select(round => round.Kill).OfType<Kill.AtPoint>().Select(kill => kill.Point).Distinct().Count().ShouldBe(KnownPoint.OfOneSilo.Count);
        Text(Chain.Plan(200, seed, bubblewrapWorks: true)).ShouldBe(Text(plan));
        // What only a first start passes needs a directory of its own.
        plan.ShouldAllBe(chain => chain.Rounds.Skip(1).All(round => !IsOfFirstStart(round.Kill)));
    }

    private static bool IsOfFirstStart(Kill kill) => kill is Kill.AtPoint { Point.Occasion: Occasion.FirstStart };

    private static string Text(IEnumerable<Chain> plan) =>
        string.Join('\n', plan.SelectMany(chain => chain.Rounds.Select(round => $"{chain.Number} {chain.Bubblewrap} {round} {round.Seed}")));

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    [GeneratedRegex("(KillPoint\\.Reached|Tell)\\(\"(?<name>[a-z.-]+)\"", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex PointName();
}
