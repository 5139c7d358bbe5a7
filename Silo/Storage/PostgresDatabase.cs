using Builds.Cluster;
using Npgsql;

namespace Builds.Storage;

/// <summary>The database of a cluster, as one silo reaches it: one small pool of connections for everything.</summary>
internal sealed class PostgresDatabase : IAsyncDisposable
{
    private readonly NpgsqlConnectionStringBuilder settings;

    /// <summary>Connects to nothing yet. Throws <see cref="ClusterException"/> if the text is no connection string.</summary>
    /// <param name="connectionString">As operators write it; what it does not say gets values that suit a silo.</param>
    public PostgresDatabase(string connectionString)
    {
        settings = PostgresSettings.Read(connectionString);
        Source = PostgresSettings.Source(settings);
    }

    /// <summary>Owned by this object.</summary>
    public NpgsqlDataSource Source { get; }

    /// <summary>For people: which database, where, as whom. Without password.</summary>
    public string Describe() => PostgresSettings.Describe(settings);

    /// <summary>A statement that takes a connection from the pool when it is run, and prepares itself after some runs.</summary>
    public NpgsqlCommand Command(string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var command = Source.CreateCommand(sql);
        foreach (var (name, value) in values)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    /// <summary>Statements that go there and back together; each answers for itself.</summary>
    public NpgsqlBatch Batch(params ReadOnlySpan<(string Sql, (string Name, object Value)[] Values)> statements)
    {
        var batch = Source.CreateBatch();
        foreach (var (sql, values) in statements)
        {
            var command = new NpgsqlBatchCommand(sql);
            foreach (var (name, value) in values)
                command.Parameters.AddWithValue(name, value);
            batch.BatchCommands.Add(command);
        }

        return batch;
    }

    /// <summary>What to tell an operator about a failure.</summary>
    public ClusterException Explain(NpgsqlException error) => PostgresErrors.Explain(error, settings);

    public ValueTask DisposeAsync() => Source.DisposeAsync();
}
