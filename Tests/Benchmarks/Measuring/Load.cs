using System.Diagnostics;

namespace Builds.Benchmarks.Measuring;

/// <summary>Ways to do something many times.</summary>
internal static class Load
{
    /// <summary>Each client does the operation again as soon as it is done, until the time is up; what has begun is finished and counts.</summary>
    public static async Task<Rate> Run(int clients, TimeSpan span, Func<int, Task> operation)
    {
        var (begin, processor) = (Stopwatch.GetTimestamp(), ProcessorTime.Now);
        var all = await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(() => Client(client))));
        var (took, used) = (Stopwatch.GetElapsedTime(begin), ProcessorTime.Now - processor);
        var samples = new Samples();
        foreach (var some in all)
            samples.Add(some);
        return new Rate(samples.Count, took, used, samples);

        async Task<Samples> Client(int client)
        {
            var own = new Samples();
            do
            {
                var started = Stopwatch.GetTimestamp();
                await operation(client);
                own.Add(Stopwatch.GetElapsedTime(started));
            }
            while (Stopwatch.GetElapsedTime(begin) < span);
            return own;
        }
    }

    /// <summary>
    /// Takes several measurements in turns and sums up each, so that whatever else the machine does meanwhile falls on a figure and on
    /// its ceiling alike. Before the first turn comes the warm-up, which does not count.
    /// </summary>
    public static async Task<Rate[]> InTurns(Scale scale, params Func<TimeSpan, Task<Rate>>[] measurements)
    {
        var counted = measurements.Select(_ => new List<Rate>()).ToArray();
        foreach (var measure in measurements)
            await measure(scale.WarmUp);
        for (var turn = 0; turn < scale.Turns; turn++)
        {
            for (var i = 0; i < measurements.Length; i++)
                counted[i].Add(await measurements[i](scale.Turn));
        }

        return [.. counted.Select(Rate.Sum)];
    }
}
