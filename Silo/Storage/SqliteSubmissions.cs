namespace Builds.Storage;

/// <inheritdoc/>
internal sealed class SqliteSubmissions(SqliteDatabase database) : IExpiredSubmissions
{
    internal const string DeleteSql =
        "DELETE FROM storage WHERE rowid IN (SELECT rowid FROM storage INDEXED BY submission_expires WHERE state = 'submission' AND expires < @before ORDER BY expires LIMIT @limit) RETURNING 1";

    public async Task<int> Delete(DateTimeOffset before, int limit, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var rows = await database.Write(new SqliteStatement(DeleteSql, ("before", StateTime.Text(before)), ("limit", limit)));
        return rows.Rows.Count;
    }
}
