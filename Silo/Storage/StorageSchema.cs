using Builds.Cluster;
using DbUp;
using DbUp.Engine;
using Microsoft.Data.Sqlite;

namespace Builds.Storage;

/// <summary>The form of an embedded database: numbered scripts (Silo/Sql/Sqlite), each run once, in order.</summary>
public static class StorageSchema
{
    /// <summary>
    /// Brings the database to the form that this program works with: makes a new one, upgrades an older one, whole or not at all.
    /// Refuses a newer one. Throws <see cref="DataDirectoryException"/>, which says what to do. Call it while nobody uses the file.
    /// </summary>
    /// <param name="databaseFile">In a directory that exists.</param>
    public static void Upgrade(string databaseFile) => Upgrade(databaseFile, StorageScripts.Sqlite.Migrations);

    /// <summary>
    /// Whether this program knows the form of a database that exists, however old it is. Changes nothing. Throws
    /// <see cref="DataDirectoryException"/> if it does not. Call it while nobody uses the file.
    /// </summary>
    internal static void Check(string databaseFile)
    {
        var migrations = StorageScripts.Sqlite.Migrations;
        try
        {
            var executed = Engine(Connection(databaseFile), migrations).GetExecutedScripts();
            if (executed.Count == 0)
                throw new DataDirectoryException($"{databaseFile} is no database of builds.");
            RefuseNewer(databaseFile, executed, migrations);
        }
        catch (SqliteException error)
        {
            throw CannotOpen(databaseFile, error);
        }
    }

    internal static void Upgrade(string databaseFile, IReadOnlyList<SqlScript> migrations)
    {
        var connection = Connection(databaseFile);
        var engine = Engine(connection, migrations);
        try
        {
            RefuseNewer(databaseFile, engine.GetExecutedScripts(), migrations);
            if (engine.PerformUpgrade() is { Successful: false } failed)
                throw new DataDirectoryException(
                    $"the database {databaseFile} cannot be upgraded: {failed.ErrorScript?.Name}: {failed.Error.Message.TrimEnd('.')}. It is as it was before; restore a backup, or run the earlier version of builds.",
                    failed.Error);
            KillPoint.Reached("schema.upgraded");
            WriteQueries(connection);
            KillPoint.Reached("schema.queries-written");
        }
        catch (SqliteException error)
        {
            throw CannotOpen(databaseFile, error);
        }
    }

    private static string Connection(string databaseFile) => new SqliteConnectionStringBuilder { DataSource = databaseFile, Pooling = false, DefaultTimeout = 5 }.ToString();

    private static UpgradeEngine Engine(string connection, IEnumerable<SqlScript> migrations) => DeployChanges.To.SqliteDatabase(connection)
        .WithScripts(migrations).WithVariablesDisabled().WithTransaction().LogToNowhere().Build();

    private static DataDirectoryException CannotOpen(string databaseFile, SqliteException error) =>
        new($"the database {databaseFile} cannot be opened: {error.Message.TrimEnd('.')}. If it is damaged, restore a backup.", error);

    private static void RefuseNewer(string databaseFile, IEnumerable<string> executed, IReadOnlyList<SqlScript> migrations)
    {
        var unknown = executed.Except(migrations.Select(script => script.Name)).ToList();
        if (unknown.Count > 0)
            throw new DataDirectoryException(
                $"the database {databaseFile} is of a newer version of builds: it has schema version {StorageScripts.Version(unknown)}, this program knows {StorageScripts.Version(migrations.Select(script => script.Name))}. " +
                "Run that newer version, or restore a backup that was made before its first start.");
    }

    private static void WriteQueries(string connectionString)
    {
        using var connection = new SqliteConnection(connectionString);
        connection.Open();
        using var transaction = connection.BeginTransaction();
        foreach (var (key, text) in StorageScripts.Sqlite.Queries)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES (@key, @text) ON CONFLICT (QueryKey) DO UPDATE SET QueryText = excluded.QueryText";
            command.Parameters.AddWithValue("key", key);
            command.Parameters.AddWithValue("text", text);
            command.ExecuteNonQuery();
        }

        transaction.Commit();
    }
}
