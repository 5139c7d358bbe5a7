using System.Data;
using Microsoft.Data.Sqlite;

namespace Builds.Storage;

/// <summary>One statement and its values, by name.</summary>
/// <param name="Sql">A single statement: SQLite undoes one that fails as a whole, and only that one.</param>
internal sealed record SqliteStatement(string Sql, params (string Name, object? Value)[] Values);

/// <summary>
/// One physical connection and the statements prepared on it, which are as many as the program has texts. Opens at the first use, if not before.
/// For one thread at a time.
/// </summary>
internal sealed class SqliteSession(Func<SqliteConnection> open) : IDisposable
{
    private readonly Dictionary<string, SqliteCommand> prepared = [];
    private SqliteConnection? connection;

    /// <summary>False also after SQLite itself has given up a transaction, as it does when the disk is full.</summary>
    public bool InTransaction => connection is not null && SQLitePCL.raw.sqlite3_get_autocommit(connection.Handle) == 0;

    /// <summary>Runs a statement to its end; each row of its answer through <paramref name="read"/>.</summary>
    public List<T> Query<T>(SqliteStatement statement, Func<SqliteDataReader, T> read)
    {
        using var reader = Bind(statement).ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }

    /// <summary>Runs a statement to its end; its answer stays readable whatever becomes of the connection.</summary>
    public DataTable Table(SqliteStatement statement)
    {
        using var reader = Bind(statement).ExecuteReader();
        var table = new DataTable();
        // Not DataTable.Load: it asks the database for keys and types of every column.
        for (var column = 0; column < reader.FieldCount; column++)
            table.Columns.Add(reader.GetName(column), typeof(object));
        while (reader.Read())
        {
            var row = new object[reader.FieldCount];
            reader.GetValues(row);
            table.Rows.Add(row);
        }

        return table;
    }

    public void Execute(string sql) => Bind(new SqliteStatement(sql)).ExecuteNonQuery();

    public void Open() => connection ??= open();

    /// <summary>Closes the connection, which undoes an open transaction. The next use opens a new one.</summary>
    public void Close()
    {
        foreach (var command in prepared.Values)
            command.Dispose();
        prepared.Clear();
        connection?.Dispose();
        connection = null;
    }

    public void Dispose() => Close();

    private SqliteCommand Bind(SqliteStatement statement)
    {
        if (!prepared.TryGetValue(statement.Sql, out var command))
        {
            Open();
            command = connection!.CreateCommand();
            command.CommandText = statement.Sql;
            prepared.Add(statement.Sql, command);
        }

        command.Parameters.Clear();
        foreach (var (name, value) in statement.Values)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}
