namespace Builds.Storage;

/// <inheritdoc/>
internal sealed class PostgresSubmissions(PostgresDatabase database) : IExpiredSubmissions
{
    // Every silo of a cluster sweeps: each takes what no other has in hand.
    internal const string DeleteSql =
        "DELETE FROM storage WHERE ctid = ANY (ARRAY(SELECT ctid FROM storage WHERE state = 'submission' AND expires < @before ORDER BY expires LIMIT @limit FOR UPDATE SKIP LOCKED))";

    public async Task<int> Delete(DateTimeOffset before, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.Command(DeleteSql, ("before", StateTime.Text(before)), ("limit", limit));
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
