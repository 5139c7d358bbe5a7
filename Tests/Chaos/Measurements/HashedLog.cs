using System.Security.Cryptography;

namespace Builds.Tests.Chaos.Measurements;

/// <summary>Reads a log through one silo, by following it or by ranges, is cut off now and then, and goes on where it was. Keeps a hash, not the bytes.</summary>
/// <param name="follows">False: by ranges of what is there.</param>
/// <param name="random">When it is cut off; null: never.</param>
/// <param name="isOver">Whether nothing is added any more.</param>
/// <param name="from">Its first byte.</param>
internal sealed class HashedLog(Callers callers, Member member, string path, bool follows, Random? random, Func<bool> isOver, long from = 0)
{
    private const int NothingThere = 416;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(30);
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(5);

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public long Length { get; private set; }

    public int Cuts { get; private set; }

    public string Hash => Convert.ToHexStringLower(hash.GetCurrentHash());

    public override string ToString() => $"a reader on {member.Name} {(follows ? "that follows" : "by ranges")}, cut {Cuts} times";

    /// <summary>Reads to the end.</summary>
    public async Task Run()
    {
        using var bound = new CancellationTokenSource(Bound);
        while (true)
        {
            using var cut = CancellationTokenSource.CreateLinkedTokenSource(bound.Token);
            if (random is not null)
                cut.CancelAfter(random.Next(20, 1_000));
            try
            {
                if (await Once(cut.Token))
                    return;
            }
            catch (Exception error) when ((error is OperationCanceledException or IOException or HttpRequestException) && !bound.IsCancellationRequested)
            {
                Cuts++;
            }
        }
    }

    /// <summary>True: that was the end.</summary>
    private async Task<bool> Once(CancellationToken cut)
    {
        var wasOver = isOver();
        var (status, stream) = follows ? (200, await callers.Follow(member, path, from + Length, cut)) : await callers.From(member, path, from + Length, cut);
        if (stream is null)
        {
            if (status == NothingThere && wasOver)
                return true;
            await Task.Delay(Pause, cut);
            return false;
        }

        await using (stream)
        {
            var buffer = new byte[64 * 1024];
            while (await stream.ReadAsync(buffer, cut) is > 0 and var count)
            {
                hash.AppendData(buffer.AsSpan(0, count));
                Length += count;
            }
        }

        return follows;
    }
}
