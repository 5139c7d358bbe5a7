using System.Collections.Concurrent;

namespace Builds.Support;

/// <summary>
/// The settings that make a server of tests a cluster of one silo on PostgreSQL, where it would be alone on SQLite. A data directory has
/// its database: a server that starts again on the same one finds what it left.
/// </summary>
internal static class ClusterOfOne
{
    private static readonly ConcurrentDictionary<string, Task<Place>> PlaceOf = [];

    /// <summary>By their full name.</summary>
    public static async Task<Dictionary<string, string?>> Settings(string data)
    {
        var place = await Of(data);
        return new()
        {
            ["Builds:Cluster:ConnectionString"] = place.ConnectionString,
            ["Builds:Cluster:Store"] = Path.Combine(data, "store"),
            ["Builds:Cluster:SiloPort"] = $"{place.Port}",
            ["Builds:Cluster:Advertise"] = "127.0.0.1",
            // No other silo will come to offer an image.
            ["Builds:Queue:UnofferedImage"] = "00:00:00",
        };
    }

    /// <summary>The database of a data directory.</summary>
    public static async Task<string> ConnectionString(string data) => (await Of(data)).ConnectionString;

    /// <summary>The directory is not used again.</summary>
    public static async Task Forget(string data)
    {
        if (PlaceOf.TryRemove(Path.GetFullPath(data), out var place))
            await (await PostgresServer.Shared()).DropDatabase((await place).ConnectionString);
    }

    private static Task<Place> Of(string data) =>
        PlaceOf.GetOrAdd(Path.GetFullPath(data), async _ => new Place(await (await PostgresServer.Shared()).CreateDatabase(), Ports.Free()));

    /// <param name="Port">For other silos: a silo that was killed takes its old row over only at its old address.</param>
    private sealed record Place(string ConnectionString, int Port);
}
