using System.Data;
using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Builds.Storage;

/// <summary>
/// What the storage provider takes for a connection to SQLite (it insists on the type). It is never opened: it costs nothing, and its
/// commands go to <see cref="SqliteDatabase"/>.
/// </summary>
internal sealed class GatedConnection(SqliteDatabase database) : SqliteConnection
{
    public override SqliteCommand CreateCommand() => new GatedCommand(database);
}

/// <summary>Supports what the provider does: asynchronous readers.</summary>
internal sealed class GatedCommand(SqliteDatabase database) : SqliteCommand
{
    protected override async Task<DbDataReader> ExecuteDbDataReaderAsync(CommandBehavior behavior, CancellationToken cancellationToken)
    {
        var values = Parameters.Cast<SqliteParameter>().Select(parameter => (parameter.ParameterName, parameter.Value)).ToArray();
        var table = await database.Run(new SqliteStatement(CommandText, values), cancellationToken);
        return table.CreateDataReader();
    }
}
