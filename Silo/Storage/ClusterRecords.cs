using Builds.Cluster;
using Npgsql;

namespace Builds.Storage;

/// <summary>What silos agree on through their database before they are a cluster. Callable any number at a time, by any silo.</summary>
internal sealed class ClusterRecords(PostgresDatabase database)
{
    // Writing what is there already makes the row come back, whoever was first.
    private const string JoinSql =
        "INSERT INTO cluster (cluster_id, service_id, store_id) VALUES (@cluster, @service, @store) " +
        "ON CONFLICT (single) DO UPDATE SET cluster_id = cluster.cluster_id RETURNING cluster_id, service_id, store_id";

    private const string StartSql =
        "INSERT INTO worker (name, incarnation, home, started) VALUES (@name, 1, @home, now()) " +
        "ON CONFLICT (name) DO UPDATE SET incarnation = worker.incarnation + 1, previous_home = worker.home, home = excluded.home, started = excluded.started " +
        "RETURNING incarnation, previous_home";

    /// <summary>
    /// The first silo ever says what the cluster is; each later one must say the same. Throws <see cref="ClusterException"/> if it does
    /// not, naming both values, or if the database cannot be asked. A repeat changes nothing.
    /// </summary>
    /// <param name="storeId">Of the store of logs and artifacts, from the store itself.</param>
    public async Task Join(string clusterId, string serviceId, string storeId, CancellationToken cancellationToken = default)
    {
        var (cluster, service, store) = await Ask(JoinSql, row => (row.GetString(0), row.GetString(1), row.GetString(2)), cancellationToken,
            ("cluster", clusterId), ("service", serviceId), ("store", storeId));
        Compare("cluster id", cluster, clusterId, "Give this silo that one, or another database.");
        Compare("service id", service, serviceId, "Give this silo that one, or another database.");
        Compare("store", store, storeId, "Give this silo the same store as all others: --store.");
    }

    /// <summary>
    /// Counts a start of a worker. The number is greater than every earlier one of that name, whatever became of data directories; a
    /// number that nobody used does no harm, so a failed call may be repeated.
    /// </summary>
    /// <param name="home">The random id of the data directory that the worker starts with.</param>
    public Task<WorkerStart> NextIncarnation(string workerName, string home, CancellationToken cancellationToken = default) => Ask(
        StartSql, row => new WorkerStart(row.GetInt64(0), row.IsDBNull(1) ? null : row.GetString(1), home), cancellationToken, ("name", workerName), ("home", home));

    /// <summary>The time by the database's clock, which is the cluster's.</summary>
    public Task<DateTimeOffset> Now(CancellationToken cancellationToken = default) =>
        Ask("SELECT clock_timestamp()", row => row.GetFieldValue<DateTimeOffset>(0), cancellationToken);

    private void Compare(string what, string theirs, string ours, string advice)
    {
        if (theirs != ours)
            throw new ClusterException($"the cluster of {database.Describe()} has {what} {theirs}, this silo has {ours}. {advice}");
    }

    private async Task<T> Ask<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken, params (string Name, object? Value)[] values)
    {
        try
        {
            await using var command = database.Command(sql, values);
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            await row.ReadAsync(cancellationToken);
            return read(row);
        }
        catch (NpgsqlException error)
        {
            throw database.Explain(error);
        }
    }
}

/// <param name="Incarnation">1 for the first start of that name.</param>
/// <param name="PreviousHome">The data directory of the start before; null if there was none.</param>
/// <param name="Home">The data directory of this start.</param>
internal sealed record WorkerStart(long Incarnation, string? PreviousHome, string Home)
{
    /// <summary>The worker starts with another data directory than last time, so nothing that it left behind can be found there.</summary>
    public bool Moved => PreviousHome is not null && PreviousHome != Home;
}
