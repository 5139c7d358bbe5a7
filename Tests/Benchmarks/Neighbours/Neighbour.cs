using System.Globalization;
using Builds.Benchmarks.Measuring;
using Builds.Jobs;

namespace Builds.Benchmarks.Neighbours;

/// <summary>
/// A build that does a small piece of work again and again, as builds do (five processes, a file of 64 KiB), and says now and then how long
/// each took; and a reader who follows its log.
/// </summary>
internal sealed class Neighbour : IAsyncDisposable
{
    private const int MicrosPerMilli = 1000;
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(2), Pause = TimeSpan.FromMilliseconds(20);
    private readonly CancellationTokenSource leaving = new();
    private readonly List<Line> lines = [];
    private readonly Lock gate = new();
    private readonly Task reading;

    private Neighbour(HttpClient client, JobId job) => reading = Read(client, job);

    /// <param name="pause">Between two lines of its log.</param>
    public static string Manifest(string image, TimeSpan pause) => Manifests.Of(image, $$"""
        set +x
        begin=${EPOCHREALTIME/[.,]/}; first=$begin; units=
        while :; do
          for i in 1 2 3 4; do /bin/true; done
          head -c 65536 /dev/zero >file
          end=${EPOCHREALTIME/[.,]/}
          units="$units $((end - begin))"
          begin=$end
          if ((end > first + {{pause.TotalMicroseconds:0}})); then
            echo "$first ${EPOCHREALTIME/[.,]/}$units"
            first=$end units=
          fi
        done
        """);

    /// <summary>Reads the log of a neighbour that has begun.</summary>
    public static Neighbour Of(HttpClient client, JobId job) => new(client, job);

    /// <summary>What was done in a span of time, wholly or in part, and how long its lines took from the build to the reader. Waits until all of that is known.</summary>
    public async Task<(Samples Units, Samples Lines)> Between(DateTimeOffset begin, DateTimeOffset end)
    {
        while (!SpokeAfter(end))
        {
            if (reading.IsCompleted)
                await reading;
            if (TimeProvider.System.GetUtcNow() > end + Bound)
                throw new TimeoutException($"The neighbour has said nothing for {Bound}.");
            await Task.Delay(Pause);
        }

        var (units, seen) = (new Samples(), new Samples());
        lock (gate)
        {
            foreach (var line in lines.Where(line => line.Began < end && line.Written > begin))
            {
                var at = line.Began;
                foreach (var unit in line.Units)
                {
                    if (at < end && at + unit > begin)
                        units.Add(unit);
                    at += unit;
                }

                if (line.Written > begin && line.Written < end)
                    seen.Add(line.Seen - line.Written);
            }
        }

        return (units, seen);
    }

    public async ValueTask DisposeAsync()
    {
        await leaving.CancelAsync();
        try
        {
            await reading;
        }
        catch (OperationCanceledException)
        {
            // The measurement is over.
        }

        leaving.Dispose();
    }

    private bool SpokeAfter(DateTimeOffset time)
    {
        lock (gate)
            return lines is [.., var last] && last.Written > time;
    }

    private async Task Read(HttpClient client, JobId job)
    {
        await using var log = await client.GetStreamAsync($"/logs/{job}/{Manifests.Task}/log?follow=true", leaving.Token);
        using var reader = new StreamReader(log);
        while (await reader.ReadLineAsync(leaving.Token) is { } text)
        {
            var now = TimeProvider.System.GetUtcNow();
            var words = text.Split(' ');
            // The shell's trace comes before the lines.
            if (!long.TryParse(words[0], CultureInfo.InvariantCulture, out _))
                continue;
            var micros = words.Select(word => long.Parse(word, CultureInfo.InvariantCulture)).ToList();
            lock (gate)
                lines.Add(new Line(At(micros[0]), At(micros[1]), now, [.. micros.Skip(2).Select(micro => TimeSpan.FromMicroseconds(micro))]));
        }

        throw new InvalidOperationException($"The neighbour, job {job}, has ended.");
    }

    private static DateTimeOffset At(long micros) => DateTimeOffset.FromUnixTimeMilliseconds(micros / MicrosPerMilli).AddMicroseconds(micros % MicrosPerMilli);

    private sealed record Line(DateTimeOffset Began, DateTimeOffset Written, DateTimeOffset Seen, IReadOnlyList<TimeSpan> Units);
}
