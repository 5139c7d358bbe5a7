using System.Collections.Immutable;
using System.Data.Common;
using Builds.Jobs;
using Builds.Secrets;
using Builds.Users;

namespace Builds.Storage;

/// <summary>Questions about many records. Each has an index, which the planner finds by the conditions that both share.</summary>
internal sealed class PostgresCatalogue(PostgresDatabase database) : ICatalogue, ITokenCatalogue, ISecretCatalogue
{
    internal const string FindSql = "SELECT payload FROM storage WHERE state = 'job' AND n0 = 0 AND n1 = @id AND key = '' AND owner <> ''";

    internal const string PageSql = "SELECT payload FROM storage WHERE state = 'job' AND owner = @owner AND id <= @start ORDER BY id DESC LIMIT @limit";

    internal const string TotalSql = "SELECT coalesce(sum(jobs), 0)::bigint FROM job_total WHERE owner = @owner";

    private const string OpenColumns = $"SELECT {CatalogueRows.OpenColumns} FROM storage ";

    internal const string OpenSql = OpenColumns + "WHERE state = 'job' AND status IN ('queued', 'running') AND pool = @pool AND id > @after ORDER BY id LIMIT @limit";

    internal const string QueuedSinceSql = OpenColumns +
        "WHERE state = 'job' AND status = 'queued' AND pool = @pool AND (queued_at, id) > (@since, @after) ORDER BY queued_at, id LIMIT @limit";

    // One look into the index per pool, where DISTINCT would walk all open jobs.
    internal const string PoolsSql =
        "WITH RECURSIVE pools AS (SELECT min(pool) AS pool FROM storage WHERE state = 'job' AND status IN ('queued', 'running') " +
        "UNION ALL SELECT (SELECT min(pool) FROM storage WHERE state = 'job' AND status IN ('queued', 'running') AND pool > pools.pool) FROM pools WHERE pools.pool IS NOT NULL) " +
        "SELECT pool FROM pools WHERE pool IS NOT NULL";

    internal const string FindOpenSql = OpenColumns + "WHERE state = 'job' AND n0 = 0 AND n1 = @id AND key = '' AND status IN ('queued', 'running')";

    internal const string EndedSql = "SELECT id, updated FROM storage WHERE state = 'job' AND status IN ('success', 'failed') AND (updated, id) > (@after, @id) AND updated < @before ORDER BY updated, id LIMIT @limit";

    internal const string SurplusSql = """
        SELECT id, updated
        FROM (SELECT id, updated, status, row_number() OVER (PARTITION BY owner ORDER BY id DESC) AS place FROM storage WHERE state = 'job') AS jobs
        WHERE place > @most AND status IN ('success', 'failed') AND updated < @before LIMIT @limit
        """;

    internal const string DeletedSql = "SELECT id, updated FROM storage WHERE state = 'job' AND owner = '' ORDER BY id LIMIT @limit";

    internal const string TriggersDueSql = "SELECT state, id, owner, triggers_due FROM storage WHERE triggers_due IS NOT NULL AND triggers_due <= @by " +
        "AND (triggers_due, id, state) > (@after, @id, @state) ORDER BY triggers_due, id, state LIMIT @limit";

    internal const string TokensSql = "SELECT key, payload FROM storage WHERE state = 'token' AND (@user::text IS NULL OR owner = @user) ORDER BY created, key";

    internal const string SecretsSql = "SELECT key, payload FROM storage WHERE state = 'secret' AND owner = @owner ORDER BY id";

    internal const string AllSecretsSql = "SELECT key FROM storage WHERE state = 'secret' ORDER BY owner, id";

    public async Task<JobSnapshot?> Find(JobId id, CancellationToken cancellationToken) =>
        (await Read(FindSql, CatalogueRows.Job, cancellationToken, ("id", (long)id.Value))).SingleOrDefault();

    public async Task<JobPage> List(string owner, JobId? start, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 1000);
        // One round trip for both.
        await using var batch = database.Batch(
            (PageSql, [("owner", owner), ("start", start?.Value ?? int.MaxValue), ("limit", limit + 1)]),
            (TotalSql, [("owner", owner)]));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var jobs = await Rows(reader, CatalogueRows.Listed, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var total = await Rows(reader, row => row.GetInt64(0), cancellationToken);
        return new JobPage([.. jobs.Take(limit)], jobs.Count > limit ? jobs[limit].Id : null, total.Single());
    }

    public async Task<ImmutableArray<OpenJob>> Open(string pool, JobId? after, int limit, CancellationToken cancellationToken) =>
        [.. await Read(OpenSql, CatalogueRows.Open, cancellationToken, ("pool", pool), ("after", after?.Value ?? 0), ("limit", limit))];

    public async Task<ImmutableArray<OpenJob>> QueuedSince(string pool, DateTimeOffset since, JobId? after, int limit, CancellationToken cancellationToken) =>
        [.. await Read(QueuedSinceSql, CatalogueRows.Open, cancellationToken, ("pool", pool), ("since", StateTime.Text(since)), ("after", after?.Value ?? 0), ("limit", limit))];

    public async Task<ImmutableArray<string>> Pools(CancellationToken cancellationToken) =>
        [.. await Read(PoolsSql, row => row.GetString(0), cancellationToken)];

    public async Task<OpenJob?> FindOpen(JobId id, CancellationToken cancellationToken) =>
        (await Read(FindOpenSql, CatalogueRows.Open, cancellationToken, ("id", (long)id.Value))).SingleOrDefault();

    public async Task<ImmutableArray<EndedJob>> Ended(EndedJob? after, DateTimeOffset before, int limit, CancellationToken cancellationToken) =>
        [.. await Read(EndedSql, CatalogueRows.Ended, cancellationToken, ("after", after is null ? "" : StateTime.Text(after.Updated)), ("id", after?.Id.Value ?? 0), ("before", StateTime.Text(before)), ("limit", limit))];

    public async Task<ImmutableArray<EndedJob>> Surplus(int perOwner, DateTimeOffset before, int limit, CancellationToken cancellationToken) =>
        [.. await Read(SurplusSql, CatalogueRows.Ended, cancellationToken, ("most", perOwner), ("before", StateTime.Text(before)), ("limit", limit))];

    public async Task<ImmutableArray<EndedJob>> Deleted(int limit, CancellationToken cancellationToken) =>
        [.. await Read(DeletedSql, CatalogueRows.Ended, cancellationToken, ("limit", limit))];

    public async Task<ImmutableArray<DueTriggers>> TriggersDue(DateTimeOffset by, DueTriggers? after, int limit, CancellationToken cancellationToken) =>
        [.. await Read(TriggersDueSql, CatalogueRows.Due, cancellationToken, ("by", StateTime.Text(by)), ("after", after is null ? "" : StateTime.Text(after.Due)), ("id", after?.Source.Id ?? 0), ("state", after is null ? "" : CatalogueRows.StateOf(after.Source.Kind)), ("limit", limit))];

    async Task<ImmutableArray<TokenInfo>> ITokenCatalogue.List(string? user, CancellationToken cancellationToken) =>
        [.. await Read(TokensSql, CatalogueRows.Token, cancellationToken, ("user", user))];

    async Task<ImmutableArray<KeptSecret>> ISecretCatalogue.Of(string owner, CancellationToken cancellationToken) =>
        [.. await Read(SecretsSql, CatalogueRows.Secret, cancellationToken, ("owner", owner))];

    async Task<ImmutableArray<SecretKey>> ISecretCatalogue.All(CancellationToken cancellationToken) =>
        [.. await Read(AllSecretsSql, CatalogueRows.SecretKey, cancellationToken)];

    private async Task<List<T>> Read<T>(string sql, Func<DbDataReader, T> read, CancellationToken cancellationToken, params (string Name, object? Value)[] values)
    {
        await using var command = database.Command(sql, values);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await Rows(reader, read, cancellationToken);
    }

    private static async Task<List<T>> Rows<T>(DbDataReader reader, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }
}
