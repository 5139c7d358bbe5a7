namespace Builds.Execution;

/// <summary>
/// Lets the output of a build through as it comes, but for a flood: who writes more than <see cref="Burst"/> at once goes on at <see cref="Rate"/>,
/// or what takes it in would want the processors that the silo's answers and other builds need.
/// </summary>
internal sealed class OutputPace(TimeProvider time)
{
    /// <summary>Bytes that are free.</summary>
    public const long Burst = 256 << 20;

    /// <summary>Bytes per second.</summary>
    public const long Rate = 64 << 20;

    /// <summary>Waits are as long as this takes, since shorter ones are not kept to.</summary>
    private const long Step = 1 << 20;

    private long _free = Burst;
    private long _last = time.GetTimestamp();

    /// <summary>So many bytes came; waits, for milliseconds, where they were too many.</summary>
    public async ValueTask Take(int bytes, CancellationToken cancellationToken)
    {
        _free -= bytes;
        if (_free >= 0) return;
        var now = time.GetTimestamp();
        _free = Math.Min(Burst, _free + (long)(time.GetElapsedTime(_last, now).TotalSeconds * Rate));
        _last = now;
        if (_free < -Step) await Task.Delay(TimeSpan.FromSeconds((double)-_free / Rate), time, cancellationToken);
    }
}
