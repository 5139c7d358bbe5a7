using Npgsql;

namespace Builds.Support;

/// <summary>A database of a test, empty at first, on the shared server or one of the test's own. It goes with this object.</summary>
public sealed class PostgresTestDatabase : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly NpgsqlDataSource connections;

    private PostgresTestDatabase(PostgresServer server, string connectionString)
    {
        (Server, ConnectionString) = (server, connectionString);
        connections = NpgsqlDataSource.Create(connectionString + ";Application Name=test;Pooling=false");
    }

    public PostgresServer Server { get; }

    /// <summary>With the password.</summary>
    public string ConnectionString { get; }

    public string Name => new NpgsqlConnectionStringBuilder(ConnectionString).Database!;

    public static async Task<PostgresTestDatabase> Create(PostgresServer? server = null)
    {
        server ??= await PostgresServer.Shared();
        return new PostgresTestDatabase(server, await server.CreateDatabase());
    }

    /// <summary>A connection that holds what the test does in it, for example a transaction.</summary>
    public async Task<NpgsqlConnection> Open() => await connections.OpenConnectionAsync();

    public async Task Execute(string sql)
    {
        await using var command = connections.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The first column of every row, as text; null for NULL.</summary>
    public async Task<List<string?>> Rows(string sql)
    {
        await using var command = connections.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string?>();
        while (await reader.ReadAsync())
            rows.Add(reader[0] is DBNull ? null : Convert.ToString(reader[0], System.Globalization.CultureInfo.InvariantCulture));
        return rows;
    }

    /// <summary>Waits until so many of the product's statements wait for a lock here.</summary>
    public async Task Blocked(int statements)
    {
        using var bound = new CancellationTokenSource(Bound);
        const string Waiting = "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'builds' AND wait_event_type = 'Lock'";
        while ((await Rows(Waiting)).Count < statements)
            bound.Token.ThrowIfCancellationRequested();
    }

    /// <summary>Cuts every connection of the product to this database.</summary>
    public Task CutConnections() =>
        Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'builds'");

    public async ValueTask DisposeAsync()
    {
        await connections.DisposeAsync();
        await Server.DropDatabase(ConnectionString);
    }
}
