using System.Data;
using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Builds.Storage;

/// <summary>
/// The database of an embedded silo, as the storage provider wants to see one: a source of connections. Those are not physical; what is
/// run on them goes to the one writer or to a reader.
/// </summary>
internal sealed class SqliteDatabase : DbDataSource
{
    /// <summary>For records of single grains: short reads, hardly ever more at once.</summary>
    private const int RecordReaders = 2;

    /// <summary>For lists and searches, which may be slow, and then hold up each other but nothing else.</summary>
    private const int CatalogueReaders = 4;

    /// <summary>How long another program (an operator's sqlite3) may hold the file.</summary>
    private const int BusySeconds = 5;

    private readonly SqliteWriter writer;
    private readonly SqliteReaders records;

    /// <param name="opened">Sees each physical connection for writing before it is used; for tests.</param>
    /// <param name="makeRoom">Called where the disk is full: true if it freed some.</param>
    public SqliteDatabase(string file, Action<SqliteConnection>? opened = null, Func<bool>? makeRoom = null)
    {
        ConnectionString = Text(file, SqliteOpenMode.ReadOnly);
        writer = new SqliteWriter(
            new SqliteSession(() =>
            {
                var connection = OpenForWriting(file);
                opened?.Invoke(connection);
                return connection;
            }),
            makeRoom);
        records = new SqliteReaders(RecordReaders, Reader);
        Catalogue = new SqliteReaders(CatalogueReaders, Reader);
    }

    /// <summary>A file that any SQLite program can read; without secrets.</summary>
    public override string ConnectionString { get; }

    public SqliteReaders Catalogue { get; }

    /// <inheritdoc cref="SqliteWriter.Commits"/>
    public long Commits => writer.Commits;

    /// <inheritdoc cref="SqliteWriter.Run"/>
    public Task<DataTable> Write(SqliteStatement statement) => writer.Run(statement);

    /// <summary>Answers a statement of the storage provider.</summary>
    public Task<DataTable> Run(SqliteStatement statement, CancellationToken cancellationToken) =>
        statement.Sql.StartsWith("SELECT", StringComparison.Ordinal)
            ? records.Read(session => session.Table(statement), cancellationToken)
            : Write(statement);

    protected override DbConnection CreateDbConnection() => new GatedConnection(this);

    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default) => new(CreateDbConnection());

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            records.Dispose();
            Catalogue.Dispose();
            // Last: whoever closes the last connection moves the log of writes into the file.
            writer.Dispose();
        }

        base.Dispose(disposing);
    }

    protected override ValueTask DisposeAsyncCore()
    {
        Dispose(disposing: true);
        return base.DisposeAsyncCore();
    }

    /// <summary>Throws if there is no such file.</summary>
    private static SqliteConnection OpenForWriting(string file)
    {
        var connection = new SqliteConnection(Text(file, SqliteOpenMode.ReadWrite));
        connection.Open();
        using var pragmas = connection.CreateCommand();
        // FULL: on disk, not only in the system's memory, before anybody is told. The limit returns the disk space that a long read made
        // the log of writes take.
        pragmas.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864";
        pragmas.ExecuteNonQuery();
        return connection;
    }

    private SqliteSession Reader() => new(() =>
    {
        var connection = new SqliteConnection(ConnectionString);
        connection.Open();
        return connection;
    });

    private static string Text(string file, SqliteOpenMode mode) =>
        new SqliteConnectionStringBuilder { DataSource = file, Mode = mode, Pooling = false, DefaultTimeout = BusySeconds }.ToString();
}
