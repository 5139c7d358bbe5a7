namespace Builds.Cluster;

/// <summary>
/// What this silo knows of its place in the cluster. Answers from memory, at once, on any thread; the queue asks with every heartbeat.
/// </summary>
public interface IClusterStanding
{
    /// <summary>
    /// How long ago it was that this silo surely was a member: when the reading of the membership table began that showed it Active, or,
    /// while the database is unreachable, when the question was sent out which every silo of the last view answered with "I see you as
    /// Active" (architecture section 3). A silo that joined since that view is not asked, and could have declared us dead: whoever joins
    /// must have reached us first, and one that we heard of and that is not in the view counts as one that did not answer. Measured with
    /// a clock that runs on while the process is frozen. Never negative; a day or more
    /// when it never was. Another queue can have been active for at most this long.
    /// </summary>
    TimeSpan SinceActive { get; }

    /// <summary>
    /// True while this silo may renew leases and give out jobs: <see cref="SinceActive"/> is at most <c>Builds:Lease:Membership</c>.
    /// </summary>
    bool IsActive { get; }

    /// <summary>
    /// Whether membership knows the silo of this worker to be dead. Such a worker is given nothing new; its lease is waited out all the
    /// same, since a silo that was cut off learns last that it was declared dead. False for a name that is not known.
    /// </summary>
    bool IsDead(string worker);
}

/// <summary>One silo by itself: always in good standing.</summary>
public sealed class AloneStanding : IClusterStanding
{
    public TimeSpan SinceActive => TimeSpan.Zero;

    public bool IsActive => true;

    public bool IsDead(string worker) => false;
}
