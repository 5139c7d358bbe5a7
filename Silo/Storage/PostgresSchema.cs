using System.Data;
using Builds.Cluster;
using DbUp;
using DbUp.Engine;
using DbUp.Postgresql;
using Npgsql;

namespace Builds.Storage;

/// <summary>
/// The form of a cluster's database: numbered scripts (Silo/Sql/Postgres), each run once, in order, by whichever silo comes first. Silos
/// that run already go on with the statements that they began with, so a script may only add; one that begins with <see cref="NoSiloMayRun"/> waits until all have stopped.
/// </summary>
internal static class PostgresSchema
{
    /// <summary>Who holds it upgrades; any number does, as long as nothing else in the same database uses it.</summary>
    internal const long UpgradeLock = 0x6275696c6473;

    private const string Journal = "schemaversions";
    private const string NoSiloMayRun = "-- no silo may run";

    /// <summary>A silo that runs says so every ten seconds (IAmAliveTablePublishTimeout).</summary>
    private const string RunningSql = "SELECT string_agg(DISTINCT silo_name, ', ' ORDER BY silo_name) FROM membership WHERE status = 3 AND alive_time > now() - interval '30 seconds'";

    /// <summary>How long another silo's upgrade is waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Brings the database to the form that this program works with: fills an empty one, upgrades an older one, whole or not at all.
    /// Refuses a newer one. Any number of silos may call this at once. A repeat changes nothing. Throws <see cref="ClusterException"/>.
    /// </summary>
    public static Task Upgrade(string connectionString, CancellationToken cancellationToken = default) =>
        Upgrade(connectionString, StorageScripts.Postgres, cancellationToken);

    internal static async Task Upgrade(string connectionString, StorageScripts scripts, CancellationToken cancellationToken = default)
    {
        var settings = PostgresSettings.Read(connectionString);
        // Connections of its own, closed at the end: a lock is the session's, and goes with it however this ends.
        settings.Pooling = false;
        try
        {
            await using var source = PostgresSettings.Source(settings);
            await using var session = await source.OpenConnectionAsync(cancellationToken);
            var schema = await Check(session, settings, cancellationToken);
            await Lock(session, settings, cancellationToken);
            await Migrate(session, source, settings, schema, scripts, cancellationToken);
            await WriteQueries(session, scripts, cancellationToken);
        }
        catch (NpgsqlException error)
        {
            throw PostgresErrors.Explain(error, settings);
        }
    }

    /// <summary>The schema that tables go to, of a server that keeps what it has answered.</summary>
    private static async Task<string> Check(NpgsqlConnection session, NpgsqlConnectionStringBuilder settings, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT coalesce(current_schema(), ''), current_setting('server_encoding'), current_setting('synchronous_commit'), current_setting('fsync')", session);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        var where = $"the cluster's database: {PostgresSettings.Describe(settings)}";
        if (row.GetString(1) != "UTF8")
            throw new ClusterException($"{where} has encoding {row.GetString(1)}; it must be UTF8. Make it anew with createdb --encoding=UTF8 --template=template0.");
        if (row.GetString(2) == "off" || row.GetString(3) == "off")
            throw new ClusterException(
                $"{where} answers before it has written (synchronous_commit is {row.GetString(2)}, fsync is {row.GetString(3)}), so that jobs could be lost. Set both to on.");
        return row.GetString(0).Length == 0
            ? throw new ClusterException($"{where} has no schema for new tables: none of its search_path exists. Make one, or name one as Search Path in the connection string.")
            : row.GetString(0);
    }

    private static async Task Lock(NpgsqlConnection session, NpgsqlConnectionStringBuilder settings, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_advisory_lock(@lock)", session) { CommandTimeout = (int)Patience.TotalSeconds };
        command.Parameters.AddWithValue("lock", UpgradeLock);
        try
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (NpgsqlException error) when (error.InnerException is TimeoutException)
        {
            throw new ClusterException(
                $"the cluster's database: {PostgresSettings.Describe(settings)} is being upgraded by another silo for more than {Patience.TotalMinutes} minutes. Start again when that is over.", error);
        }
    }

    private static async Task Migrate(
        NpgsqlConnection session, NpgsqlDataSource source, NpgsqlConnectionStringBuilder settings, string schema, StorageScripts scripts, CancellationToken cancellationToken)
    {
        var engine = DeployChanges.To.PostgresqlDatabase(new PostgresqlConnectionManager(source)).JournalToPostgresqlTable(schema, Journal)
            .WithScripts(scripts.Migrations).WithVariablesDisabled().WithTransaction().WithExecutionTimeout(Patience).LogToNowhere().Build();
        RefuseNewer(engine, settings, scripts);
        if (!engine.IsUpgradeRequired())
            return;
        await RefuseRunning(session, settings, engine, cancellationToken);
        if (engine.PerformUpgrade() is { Successful: false } failed)
        {
            // Which right is missing, or that the server went away, matters more than in which script.
            if (failed.Error is NpgsqlException error and not PostgresException { SqlState: not (PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.ReadOnlySqlTransaction) })
                throw PostgresErrors.Explain(error, settings);
            throw new ClusterException(
                $"the cluster's database: {PostgresSettings.Describe(settings)} cannot be upgraded: {failed.ErrorScript?.Name}: {failed.Error.Message.TrimEnd('.')}. It is as it was before; the earlier version of builds works with it.",
                failed.Error);
        }
    }

    private static void RefuseNewer(UpgradeEngine engine, NpgsqlConnectionStringBuilder settings, StorageScripts scripts)
    {
        var known = scripts.Migrations.Select(script => script.Name).ToList();
        var unknown = engine.GetExecutedScripts().Except(known).ToList();
        if (unknown.Count > 0)
            throw new ClusterException(
                $"the cluster's database: {PostgresSettings.Describe(settings)} is of a newer version of builds: it has schema version {StorageScripts.Version(unknown)}, this program knows {StorageScripts.Version(known)}. " +
                "Start that newer version here too, or restore a backup that was made before its first start.");
    }

    private static async Task RefuseRunning(NpgsqlConnection session, NpgsqlConnectionStringBuilder settings, UpgradeEngine engine, CancellationToken cancellationToken)
    {
        if (engine.GetExecutedScripts().Count == 0 || engine.GetScriptsToExecute().All(script => !script.Contents.StartsWith(NoSiloMayRun, StringComparison.Ordinal)))
            return;
        await using var command = new NpgsqlCommand(RunningSql, session);
        if (await command.ExecuteScalarAsync(cancellationToken) is string running)
            throw new ClusterException(
                $"the cluster's database: {PostgresSettings.Describe(settings)} is of an earlier version of builds, whose silos cannot run beside those of this one; these do: {running}. " +
                "Stop them all, then start this version. Those that were killed count as stopped half a minute later.");
    }

    private static async Task WriteQueries(NpgsqlConnection session, StorageScripts scripts, CancellationToken cancellationToken)
    {
        await using var transaction = await session.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        await using var command = new NpgsqlCommand(
            "INSERT INTO OrleansQuery (QueryKey, QueryText) SELECT * FROM unnest(@keys, @texts) " +
            "ON CONFLICT (QueryKey) DO UPDATE SET QueryText = excluded.QueryText WHERE OrleansQuery.QueryText <> excluded.QueryText", session, transaction);
        command.Parameters.AddWithValue("keys", scripts.Queries.Select(query => query.Key).ToArray());
        command.Parameters.AddWithValue("texts", scripts.Queries.Select(query => query.Text).ToArray());
        await command.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
