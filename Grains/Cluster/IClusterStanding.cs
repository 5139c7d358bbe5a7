namespace Builds.Cluster;

/// <summary>
/// What this silo knows of its place in the cluster. Answers from memory, at once, on any thread; the queue asks several times a second.
/// </summary>
public interface IClusterStanding
{
    /// <summary>
    /// True while this silo may renew leases: it read itself Active in the membership table within <c>Builds:Lease:Membership</c>, or the
    /// exception of architecture section 3 holds (the database is unreachable, and every silo of the last view says that it sees us
    /// Active). Measured with a clock that runs on while the process is frozen, or a thawed silo would believe what it read before.
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
    public bool IsActive => true;

    public bool IsDead(string worker) => false;
}
