using System.Globalization;
using Builds.Support;
using Builds.Tests.Silos;
using Xunit.Abstractions;

namespace Builds.Tests.Chaos;

/// <summary>
/// Silos of a cluster, their database, store and network in trouble, under load (architecture, section 7). BUILDS_CHAOS_SEEDS=1-100 makes
/// it long, BUILDS_CHAOS_TOTALS=FILE adds the figures up over runs, and leaves out seeds that are in the file already.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private readonly Story story = new(output);

    private const string ShortRun = "1";

    [PostgresFact]
    public async Task Nothing_is_lost_nothing_runs_twice_and_everything_ends_whatever_happens_to_the_cluster()
    {
        var (first, last) = Seeds(Environment.GetEnvironmentVariable("BUILDS_CHAOS_SEEDS") is { Length: > 0 } given ? given : ShortRun);
        var file = Environment.GetEnvironmentVariable("BUILDS_CHAOS_TOTALS");
        var done = file is not null && File.Exists(file) ? Totals.Read(file).Where(round => round.Violations == 0).Select(round => round.Seed).ToHashSet() : [];
        await using var postgres = await PostgresServer.Start();
        var rounds = new List<RoundFigures>();
        var mistakes = new List<string>();
        for (var seed = first; seed <= last; seed++)
        {
            if (done.Contains(seed))
                continue;
            var round = new ChaosRound(postgres, Plan.Of(seed, Shim.IsThere), story.Tell);
            rounds.Add(await round.Run());
            Totals.Add(file, rounds[^1]);
            if (round.Mistakes.Count > 0)
                mistakes.Add($"seed {seed}: {string.Join('\n', round.Mistakes)}\nTo see it again: BUILDS_CHAOS_SEEDS={seed} BUILDS_CHAOS_KEEP=chaos-logs dotnet test Tests --no-build --filter FullyQualifiedName~ChaosTests");
        }

        story.Tell(Totals.Text(rounds));
        if (file is not null)
            story.Tell("In all: " + Totals.Text(Totals.Read(file)));
        mistakes.ShouldBeEmpty();
    }

    [Fact]
    public void A_seed_gives_the_same_plan_and_a_hundred_seeds_visit_every_kind_of_fault_and_every_kill_point()
    {
        var plans = Enumerable.Range(1, 100).Select(seed => Plan.Of(seed)).ToArray();
        var faults = plans.SelectMany(plan => plan.Troubles).SelectMany(trouble => trouble.Faults).ToArray();

        faults.Select(fault => fault.Kind).Distinct().Count().ShouldBe(14);
        faults.OfType<KillAtPoint>().Select(fault => fault.Point).Distinct().Count().ShouldBeGreaterThan(KnownPoint.OfACluster.Count / 4);
        plans.Select(plan => string.Join('\n', plan.Troubles)).ShouldBe(Enumerable.Range(1, 100).Select(seed => string.Join('\n', Plan.Of(seed).Troubles)));
    }

    private static (int First, int Last) Seeds(string text)
    {
        var ends = text.Split('-').Select(end => int.Parse(end, CultureInfo.InvariantCulture)).ToArray();
        return (ends[0], ends[^1]);
    }
}
