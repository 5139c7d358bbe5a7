using System.Collections.Immutable;
using System.Data;
using Builds.Cluster;
using Microsoft.Data.Sqlite;
using Npgsql;
using NpgsqlTypes;

namespace Builds.Storage;

/// <summary>Every record of an embedded database goes to a cluster's, as it is, with its version.</summary>
internal static class EmbeddedImport
{
    private const string ReadSql = "SELECT state, n0, n1, key, version, payload FROM storage";

    /// <summary>
    /// Copies all records in one transaction: all are there, or none. The target must be upgraded and must hold no record; silos that
    /// start meanwhile wait. The source is not changed. Throws <see cref="ClusterException"/>.
    /// </summary>
    /// <param name="databaseFile">Of any version that <see cref="StorageSchema.Check"/> knows. Nobody else uses it.</param>
    /// <param name="connectionString">Of the cluster.</param>
    /// <param name="cancellationToken">Ends it before anything is changed.</param>
    /// <returns>How many records of each kind.</returns>
    public static async Task<ImmutableSortedDictionary<string, long>> Run(string databaseFile, string connectionString, CancellationToken cancellationToken)
    {
        var settings = PostgresSettings.Read(connectionString);
        // A large table takes its time.
        (settings.Pooling, settings.CommandTimeout) = (false, 0);
        try
        {
            await using var source = PostgresSettings.Source(settings);
            await using var target = await source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await target.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
            await RefuseRecords(target, settings, cancellationToken);
            var read = await Copy(databaseFile, target, cancellationToken);
            await Execute(target, StorageScripts.ImportRecords, cancellationToken);
            // A worker of the cluster with a name that jobs know counts its starts on from there.
            await Execute(target, "INSERT INTO worker (name, incarnation) SELECT worker, max(incarnation) FROM storage WHERE state = 'job' AND worker IS NOT NULL GROUP BY worker " +
                "ON CONFLICT (name) DO UPDATE SET incarnation = greatest(worker.incarnation, excluded.incarnation)", cancellationToken);
            var written = await Counts(target, cancellationToken);
            if (written.Values.Sum() != read)
                throw new ClusterException($"of {read} records in {databaseFile} {written.Values.Sum()} arrived. Nothing was imported.");
            await transaction.CommitAsync(cancellationToken);
            return written;
        }
        catch (PostgresException error) when (error.SqlState.StartsWith("22", StringComparison.Ordinal))
        {
            // Data exception: it is not the database's fault.
            throw new ClusterException($"a record of {databaseFile} cannot be taken over: {error.MessageText}. Nothing was imported.", error);
        }
        catch (NpgsqlException error)
        {
            throw PostgresErrors.Explain(error, settings);
        }
    }

    /// <summary>Throws <see cref="ClusterException"/> where <see cref="Run"/> would refuse since the database has records.</summary>
    public static async Task RefuseRecords(string connectionString, CancellationToken cancellationToken = default)
    {
        var settings = PostgresSettings.Read(connectionString);
        try
        {
            await using var source = PostgresSettings.Source(settings);
            await using var target = await source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await target.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
            await RefuseRecords(target, settings, cancellationToken);
        }
        catch (NpgsqlException error)
        {
            throw PostgresErrors.Explain(error, settings);
        }
    }

    private static async Task RefuseRecords(NpgsqlConnection target, NpgsqlConnectionStringBuilder settings, CancellationToken cancellationToken)
    {
        await Execute(target, "LOCK TABLE storage IN SHARE ROW EXCLUSIVE MODE", cancellationToken);
        var there = await Counts(target, cancellationToken);
        if (there.Count > 0)
            throw new ClusterException(
                $"{PostgresSettings.Describe(settings)} is not empty: it holds {string.Join(", ", there.Select(kind => $"{kind.Value} of {kind.Key}"))}. " +
                "An import needs a database without records: import before the first silo of the cluster starts, or into a new database.");
    }

    private static async Task<long> Copy(string databaseFile, NpgsqlConnection target, CancellationToken cancellationToken)
    {
        await Execute(target, "CREATE TEMPORARY TABLE imported (state text, n0 bigint, n1 bigint, key text, version integer, payload bytea) ON COMMIT DROP", cancellationToken);
        await using var source = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = databaseFile, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
        await source.OpenAsync(cancellationToken);
        await using var command = source.CreateCommand();
        command.CommandText = ReadSql;
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        await using var import = await target.BeginBinaryImportAsync("COPY imported (state, n0, n1, key, version, payload) FROM STDIN (FORMAT BINARY)", cancellationToken);
        long read = 0;
        for (; await rows.ReadAsync(cancellationToken); read++)
        {
            await import.StartRowAsync(cancellationToken);
            await import.WriteAsync(rows.GetString(0), NpgsqlDbType.Text, cancellationToken);
            await import.WriteAsync(rows.GetInt64(1), NpgsqlDbType.Bigint, cancellationToken);
            await import.WriteAsync(rows.GetInt64(2), NpgsqlDbType.Bigint, cancellationToken);
            await import.WriteAsync(rows.GetString(3), NpgsqlDbType.Text, cancellationToken);
            await import.WriteAsync(rows.GetInt32(4), NpgsqlDbType.Integer, cancellationToken);
            await import.WriteAsync(await rows.GetFieldValueAsync<byte[]>(5, cancellationToken), NpgsqlDbType.Bytea, cancellationToken);
        }

        await import.CompleteAsync(cancellationToken);
        return read;
    }

    private static async Task<ImmutableSortedDictionary<string, long>> Counts(NpgsqlConnection target, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT state, count(*) FROM storage GROUP BY state", target);
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        var counts = ImmutableSortedDictionary.CreateBuilder<string, long>(StringComparer.Ordinal);
        while (await rows.ReadAsync(cancellationToken))
            counts.Add(rows.GetString(0), rows.GetInt64(1));
        return counts.ToImmutable();
    }

    private static async Task Execute(NpgsqlConnection target, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, target);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
