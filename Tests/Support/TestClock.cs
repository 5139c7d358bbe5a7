using Microsoft.Extensions.Time.Testing;

namespace Builds.Tests;

/// <summary>Time that stands still until the test moves it, and that tells when somebody begins to wait for it.</summary>
public sealed class TestClock(DateTimeOffset start) : FakeTimeProvider(start)
{
    private volatile Waiting? waiting;

    /// <summary>Completes when somebody next begins to wait for this long.</summary>
    public Task SomebodyWaits(TimeSpan length)
    {
        waiting = new Waiting(length);
        return waiting.Began.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        if (waiting is { } known && known.Length == dueTime)
            known.Began.TrySetResult();
        return timer;
    }

    private sealed record Waiting(TimeSpan Length)
    {
        public TaskCompletionSource Began { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
