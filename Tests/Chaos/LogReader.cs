using Builds.Tests.Silos;

namespace Builds.Tests.Chaos;

/// <summary>Follows a log through one silo, is cut off, and goes on where it was through another one. Some stop reading, and hold on.</summary>
internal sealed class LogReader(Callers callers, Ledger ledger, SeenLog log)
{
    /// <summary>Reads until the log ends or it is enough.</summary>
    public async Task Run(Random random, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(enough);
            patience.CancelAfter(random.Next(200, 5_000));
            try
            {
                if (await Once(random, patience.Token))
                    return;
                await Task.Delay(random.Next(50, 400), enough);
            }
            catch (OperationCanceledException)
            {
                // Cut off in the middle; the next time goes on from there.
            }
        }
    }

    /// <summary>True: the log has ended.</summary>
    private async Task<bool> Once(Random random, CancellationToken cut)
    {
        if (callers.Any(random) is not { } member || await callers.Follow(member, log.Path, log.Length, cut) is not { } stream)
            return false;
        await using (stream)
        {
            if (random.Next(8) == 0)
                await Task.Delay(Timeout.Infinite, cut); // Dead: takes nothing, and does not go.
            var buffer = new byte[16 * 1024];
            try
            {
                while (await stream.ReadAsync(buffer, cut) is > 0 and var count)
                {
                    log.Append(buffer.AsSpan(0, count));
                    ledger.Event();
                }

                return true;
            }
            catch (Exception error) when (error is IOException or HttpRequestException)
            {
                return false;
            }
        }
    }
}
