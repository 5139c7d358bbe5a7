using System.Text.Json;
using Builds.Jobs;

namespace Builds.Tests.Chaos;

/// <summary>What one round has seen.</summary>
/// <param name="Looks">At the first in line, that tell how long it waited beside a free slot; 0 in rounds from before they were counted.</param>
internal sealed record RoundFigures(
    int Seed, int Jobs, int AttemptsLost, int WorkerLost, int Answers, long LogBytesSeen, int EndedByItself, int DiedAtPoint, Dictionary<string, int> Faults, int Looks, int Violations, double Seconds)
{
    public static RoundFigures Of(Plan plan, ChaosCluster cluster, Callers callers, Silos.Ledger ledger, Records records, int looks, int violations, TimeSpan took)
    {
        var jobs = records.All.ToArray();
        return new RoundFigures(
            plan.Seed, jobs.Length, jobs.Sum(job => job.Lost), jobs.Count(job => job.Reason == FailReason.WorkerLost), callers.Answers,
            ledger.Logs.Values.Sum(log => log.Length), cluster.Members.Sum(member => member.EndedByItself), cluster.Members.Sum(member => member.DiedAtPoint),
            plan.Troubles.SelectMany(trouble => trouble.Faults).GroupBy(fault => fault.Kind).ToDictionary(kind => kind.Key, kind => kind.Count()), looks, violations, took.TotalSeconds);
    }
}

/// <summary>Figures of many rounds, added up over runs in a file, one line per round; the last one of a seed counts.</summary>
internal static class Totals
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static void Add(string? file, RoundFigures round)
    {
        if (file is not null)
            File.AppendAllText(file, JsonSerializer.Serialize(round, Json) + "\n");
    }

    public static IReadOnlyList<RoundFigures> Read(string file) =>
        [.. File.ReadLines(file).Select(line => JsonSerializer.Deserialize<RoundFigures>(line, Json)!).GroupBy(round => round.Seed).Select(seed => seed.Last())];

    public static string Text(IReadOnlyList<RoundFigures> rounds)
    {
        var faults = rounds.SelectMany(round => round.Faults).GroupBy(fault => fault.Key).OrderBy(kind => kind.Key, StringComparer.Ordinal)
            .Select(kind => $"{kind.Key} {kind.Sum(one => one.Value)}");
        return $"{rounds.Count} rounds, {rounds.Sum(round => round.Jobs)} jobs, {rounds.Sum(round => round.AttemptsLost)} attempts lost, {rounds.Sum(round => round.WorkerLost)} jobs failed with worker-lost, " +
            $"{rounds.Sum(round => round.Answers)} answers, {rounds.Sum(round => round.LogBytesSeen)} bytes of logs seen, {rounds.Sum(round => round.EndedByItself)} silos ended by themselves, " +
            $"{rounds.Sum(round => round.DiedAtPoint)} died at a kill point; faults: {string.Join(", ", faults)}; the first in line was watched in {rounds.Count(round => round.Looks > 0)} rounds, by {rounds.Sum(round => round.Looks)} looks; violations: {rounds.Sum(round => round.Violations)} " +
            $"in {rounds.Count(round => round.Violations > 0)} rounds{Seeds(rounds)}";
    }

    private static string Seeds(IEnumerable<RoundFigures> rounds)
    {
        var bad = rounds.Where(round => round.Violations > 0).Select(round => round.Seed).ToArray();
        return bad.Length == 0 ? "" : $" (seeds {string.Join(", ", bad)})";
    }
}
