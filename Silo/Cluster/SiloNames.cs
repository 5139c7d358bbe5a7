using System.Net;
using Builds.Storage;
using Npgsql;

namespace Builds.Cluster;

/// <summary>Which names are taken, by the membership table.</summary>
internal sealed class SiloNames(PostgresDatabase database)
{
    // Who has not written for three periods of ten seconds is not there any more, as Orleans sees it too.
    private const string HolderSql =
        "SELECT address, port FROM membership WHERE cluster_id = @cluster AND silo_name = @name AND status <> 6 " +
        "AND NOT (address = @address AND port = @port) AND alive_time > now() - interval '30 seconds' LIMIT 1";

    /// <summary>The address of another silo that has the name; null if it is free. Throws <see cref="ClusterException"/>.</summary>
    /// <param name="own">A row with this address is a former start of the silo that asks, and of no matter: its next start replaces it.</param>
    public async Task<string?> HolderOf(string cluster, string name, IPEndPoint own, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = database.Command(HolderSql, ("cluster", cluster), ("name", name), ("address", own.Address.ToString()), ("port", own.Port));
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            return await row.ReadAsync(cancellationToken) ? $"{row.GetString(0)}:{row.GetInt32(1)}" : null;
        }
        catch (NpgsqlException error)
        {
            throw database.Explain(error);
        }
    }
}
