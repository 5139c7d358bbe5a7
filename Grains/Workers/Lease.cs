namespace Builds.Workers;

/// <summary>
/// A worker's permission to run builds: from the moment a heartbeat was *sent* that was answered, never from the answer, so that it
/// ends here before it ends at the queue. Times are since boot. Not thread safe.
/// </summary>
public sealed class Lease(TimeSpan length)
{
    private TimeSpan? asked;
    private TimeSpan? silent;

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

    /// <summary>A heartbeat is sent.</summary>
    public void Ask(TimeSpan now)
    {
        if (Pauses(now))
            silent = now;
        asked = now;
    }

    /// <summary>
    /// Whether heartbeats were sent in time throughout the length of a lease: then it is the queue that was silent, if the lease is over.
    /// Otherwise the worker itself stood still, which what runs on it may have brought about.
    /// </summary>
    public bool AskedInTime(TimeSpan now) => asked is not null && !Pauses(now) && !(now - silent <= length);

    // A good deal longer than between two heartbeats, of which a lease has at least two.
    private bool Pauses(TimeSpan now) => now - asked > length / 2;
}
