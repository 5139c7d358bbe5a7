using System.Diagnostics;
using System.Globalization;

namespace Builds.Tests.Queue.Simulation;

/// <summary>Many seeds, one after the other, with figures.</summary>
public static class SimRange
{
    /// <summary>Runs the seeds from <paramref name="from"/> to <paramref name="to"/>; throws at the first fault.</summary>
    /// <param name="progress">Told every 10,000 seeds how far it is: that seed + 1 is where to go on.</param>
    public static string Run(int from, int to, Action<string>? progress)
    {
        var clock = Stopwatch.StartNew();
        var (events, jobs, attempts) = (0L, 0L, 0L);
        for (var seed = from; seed <= to; seed++)
        {
            var world = SimWorld.Run(SimPlan.Draw(seed));
            events += world.Events;
            jobs += world.Jobs.All.Count;
            foreach (var job in world.Jobs.All)
                attempts += job.Attempt;
            if ((seed + 1) % 10_000 == 0)
                progress?.Invoke($"done up to seed {seed}: {Figures(seed - from + 1)}");
        }

        return Figures(to - from + 1);

        string Figures(long seeds) => string.Create(
            CultureInfo.InvariantCulture,
            $"{seeds} seeds from {from}, 0 violations: {jobs} jobs, {attempts} attempts, {events} events, {clock.Elapsed.TotalSeconds:0} s, {seeds / clock.Elapsed.TotalMinutes:0} seeds a minute");
    }
}
