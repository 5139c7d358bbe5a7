namespace Builds.Cluster;

/// <summary>What one silo thinks of another; keyed by the stable name of the silo that is asked, which is where it lives.</summary>
[Alias("IPeerGrain")]
public interface IPeerGrain : IGrainWithStringKey
{
    /// <summary>
    /// Whether the silo that is asked takes <paramref name="silo"/> for an active member, by the newest that it knows. For a silo that
    /// cannot reach the database itself. Throws <see cref="SiloOfflineException"/> if nobody has the name.
    /// </summary>
    [Alias("SeesActive"), ResponseTimeout("00:00:01")]
    Task<bool> SeesActive(SiloAddress silo);
}
