using System.Globalization;
using System.Text;
using Builds.Benchmarks.Measuring;
using Builds.Logs;

namespace Builds.Benchmarks;

/// <summary>What it costs to keep secrets out of a log, in memory.</summary>
internal sealed class MaskBenchmark : Benchmark
{
    private const int Secrets = 100, PieceSize = 64 * 1024;

    public override string Name => "mask";

    public override string Says => $"Keeping {Secrets} secrets out of output, beside plain copying: of text that has none, that often looks like one, and that is full of them.";

    public override async Task Run(Scale scale, string directory, Table table)
    {
        // Always the same ones: tokens, and some keys of many lines.
        var random = new Random(1);
        var secrets = Enumerable.Range(0, Secrets).Select(i => Secret(random, lines: i % 10 == 0 ? 30 : 1)).ToList();
        var mask = SecretMask.Of(secrets.Select(secret => (ReadOnlyMemory<byte>)Encoding.ASCII.GetBytes(secret)));
        var aim = "≥ 100 MiB/s";
        foreach (var (text, piece) in new[]
        {
            ("a compiler's output", Piece(random, i => string.Create(CultureInfo.InvariantCulture, $"  CC [{i % 100,3}%] src/part{i % 37}/file{i}.c: warning: unused variable 'x{i}'\n"))),
            ("begins of secrets", Piece(random, _ => secrets[random.Next(Secrets)][..random.Next(4, 12)])),
            ("nothing but secrets", Piece(random, _ => secrets[random.Next(Secrets)] + "\n")),
        })
        {
            var target = new byte[PieceSize + 4096];
            var output = mask.Open();
            var rates = await Load.InTurns(
                scale,
                span => Pass(span, () => piece.CopyTo(target, 0)),
                span => Pass(span, () => output.Write(piece).Span.CopyTo(target)));
            table.Add(Row.OfBytes($"{Secrets} secrets, {text}", rates[1]).Under("copying, same pieces", rates[0], aim));
        }

        var made = await Load.InTurns(scale, span => Load.Run(1, span, _ =>
        {
            SecretMask.Of(secrets.Select(secret => (ReadOnlyMemory<byte>)Encoding.ASCII.GetBytes(secret)));
            return Task.CompletedTask;
        }));
        table.Add(Row.Of($"mask of {Secrets} secrets, made before a build", made[0]));
    }

    private static string Secret(Random random, int lines) =>
        string.Join('\n', Enumerable.Range(0, lines).Select(_ => new string(random.GetItems<char>("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", lines > 1 ? 70 : 40))));

    private static byte[] Piece(Random random, Func<int, string> part)
    {
        var text = new StringBuilder();
        for (var i = random.Next(100); text.Length < PieceSize; i++)
            text.Append(part(i));
        return Encoding.ASCII.GetBytes(text.ToString(0, PieceSize));
    }

    /// <summary>In MiB.</summary>
    private static async Task<Rate> Pass(TimeSpan span, Action piece)
    {
        var rate = await Load.Run(1, span, _ =>
        {
            piece();
            return Task.CompletedTask;
        });
        return rate with { Amount = rate.Amount * PieceSize / Flood.MiB };
    }
}
