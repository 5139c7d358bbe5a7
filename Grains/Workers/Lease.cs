namespace Builds.Workers;

/// <summary>
/// A worker's permission to run builds: from the moment a heartbeat was *sent* that was answered, never from the answer, so that it
/// ends here before it ends at the queue. Times are since boot. Not thread safe.
/// </summary>
public sealed class Lease(TimeSpan length)
{
    /// <summary>When it ends; null before the first answer.</summary>
    public TimeSpan? End { get; private set; }

    /// <summary>A heartbeat sent at <paramref name="sent"/> was answered. Answers may come out of order.</summary>
    public void Renew(TimeSpan sent)
    {
        var end = sent + length;
        if (End is null || end > End)
            End = end;
    }

    public bool Holds(TimeSpan now) => now < End;
}
