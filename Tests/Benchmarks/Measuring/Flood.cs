using System.Diagnostics;

namespace Builds.Benchmarks.Measuring;

/// <summary>Much text, in pieces as the guard of a build brings them.</summary>
internal static class Flood
{
    public const int MiB = 1024 * 1024;
    private const int PieceSize = 64 * 1024;

    private static readonly byte[] Piece = [.. Enumerable.Range(0, PieceSize).Select(i => i % 80 == 79 ? (byte)'\n' : (byte)('a' + i % 26))];

    /// <summary>In MiB; each piece is a sample, and <paramref name="end"/> counts towards the time.</summary>
    public static async Task<Rate> Write(Scale scale, Func<ReadOnlyMemory<byte>, ValueTask> write, Func<ValueTask> end)
    {
        var samples = new Samples();
        var (begin, processor) = (Stopwatch.GetTimestamp(), ProcessorTime.Now);
        for (var i = 0; i < scale.LogMiB * (MiB / PieceSize); i++)
        {
            var started = Stopwatch.GetTimestamp();
            await write(Piece);
            samples.Add(Stopwatch.GetElapsedTime(started));
        }

        await end();
        return new Rate(scale.LogMiB, Stopwatch.GetElapsedTime(begin), ProcessorTime.Now - processor, samples);
    }
}
