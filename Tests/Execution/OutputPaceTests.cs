using Microsoft.Extensions.Time.Testing;

namespace Builds.Execution;

public sealed class OutputPaceTests
{
    private const int MiB = 1 << 20;

    private readonly FakeTimeProvider time = new();

    [Fact]
    public void A_flood_waits_for_its_rate_and_everything_else_for_nothing()
    {
        var pace = new OutputPace(time);
        for (var i = 0; i < OutputPace.Burst / MiB; i++) Take(pace, MiB).IsCompletedSuccessfully.ShouldBeTrue($"MiB {i}");

        var waiting = Take(pace, 8 * MiB);

        waiting.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(8.0 * MiB / OutputPace.Rate));
        waiting.IsCompletedSuccessfully.ShouldBeTrue();
        time.Advance(TimeSpan.FromSeconds(10));
        Take(pace, (int)OutputPace.Burst).IsCompletedSuccessfully.ShouldBeTrue("what was not used is free again, up to the burst");
    }

    [Fact]
    public async Task A_build_that_is_killed_waits_no_longer()
    {
        var pace = new OutputPace(time);
        using var kill = new CancellationTokenSource();
        var waiting = Take(pace, (int)OutputPace.Burst + 8 * MiB, kill.Token);

        await kill.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(waiting);
    }

    private static Task Take(OutputPace pace, int bytes, CancellationToken cancellationToken = default) => pace.Take(bytes, cancellationToken).AsTask();
}
