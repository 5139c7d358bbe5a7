using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Secrets;
using Builds.Users;

namespace Builds.Storage;

/// <summary>Questions about many records. Each names its index: without statistics SQLite would walk all jobs by the key instead.</summary>
internal sealed class SqliteCatalogue(SqliteDatabase database) : ICatalogue, ITokenCatalogue, ISecretCatalogue
{
    internal const string FindSql = "SELECT payload FROM storage WHERE state = 'job' AND n0 = 0 AND n1 = @id AND key = '' AND owner <> ''";

    internal const string PageSql = "SELECT payload FROM storage INDEXED BY job_owner WHERE state = 'job' AND owner = @owner AND id <= @start ORDER BY id DESC LIMIT @limit";

    internal const string TotalSql = "SELECT coalesce((SELECT jobs FROM job_total WHERE owner = @owner), 0)";

    private const string OpenColumns = $"SELECT {CatalogueRows.OpenColumns} FROM storage ";

    internal const string OpenSql = OpenColumns + "INDEXED BY job_open WHERE state = 'job' AND status IN ('queued', 'running') AND pool = @pool AND id > @after ORDER BY id LIMIT @limit";

    internal const string QueuedSinceSql = OpenColumns +
        "INDEXED BY job_queued WHERE state = 'job' AND status = 'queued' AND pool = @pool AND (queued_at, id) > (@since, @after) ORDER BY queued_at, id LIMIT @limit";

    internal const string NextPoolSql = "SELECT min(pool) FROM storage INDEXED BY job_open WHERE state = 'job' AND status IN ('queued', 'running') AND pool > @pool";

    internal const string FindOpenSql = OpenColumns + "WHERE state = 'job' AND n0 = 0 AND n1 = @id AND key = '' AND status IN ('queued', 'running')";

    internal const string EndedSql = "SELECT id, updated FROM storage INDEXED BY job_ended WHERE state = 'job' AND status IN ('success', 'failed') AND (updated, id) > (@after, @id) AND updated < @before ORDER BY updated, id LIMIT @limit";

    internal const string SurplusSql = """
        SELECT id, updated
        FROM (SELECT id, updated, status, row_number() OVER (PARTITION BY owner ORDER BY id DESC) AS place FROM storage INDEXED BY job_owner WHERE state = 'job') AS jobs
        WHERE place > @most AND status IN ('success', 'failed') AND updated < @before LIMIT @limit
        """;

    internal const string DeletedSql = "SELECT id, updated FROM storage INDEXED BY job_owner WHERE state = 'job' AND owner = '' ORDER BY id LIMIT @limit";

    internal const string TriggersDueSql = "SELECT state, id, owner, triggers_due FROM storage INDEXED BY trigger_due WHERE triggers_due IS NOT NULL AND triggers_due <= @by " +
        "AND (triggers_due, id, state) > (@after, @id, @state) ORDER BY triggers_due, id, state LIMIT @limit";

    internal const string TokensSql = "SELECT key, payload FROM storage INDEXED BY token_created WHERE state = 'token' AND (@user IS NULL OR owner = @user) ORDER BY created, key";

    internal const string SecretsSql = "SELECT key, payload FROM storage INDEXED BY secret_owner WHERE state = 'secret' AND owner = @owner ORDER BY id";

    internal const string AllSecretsSql = "SELECT key FROM storage INDEXED BY secret_owner WHERE state = 'secret' ORDER BY owner, id";

    public Task<JobSnapshot?> Find(JobId id, CancellationToken cancellationToken) => database.Catalogue.Read(
        session => session.Query(new SqliteStatement(FindSql, ("id", id.Value)), CatalogueRows.Job).SingleOrDefault(), cancellationToken);

    public Task<JobPage> List(string owner, JobId? start, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 1000);
        return database.Catalogue.Read(
            session =>
            {
                var first = start?.Value ?? int.MaxValue;
                var jobs = session.Query(new SqliteStatement(PageSql, ("owner", owner), ("start", first), ("limit", limit + 1)), CatalogueRows.Listed);
                var total = session.Query(new SqliteStatement(TotalSql, ("owner", owner)), row => row.GetInt64(0)).Single();
                return new JobPage([.. jobs.Take(limit)], jobs.Count > limit ? jobs[limit].Id : null, total);
            },
            cancellationToken);
    }

    public Task<ImmutableArray<OpenJob>> Open(string pool, JobId? after, int limit, CancellationToken cancellationToken) =>
        ReadOpen(new SqliteStatement(OpenSql, ("pool", pool), ("after", after?.Value ?? 0), ("limit", limit)), cancellationToken);

    public Task<ImmutableArray<OpenJob>> QueuedSince(string pool, DateTimeOffset since, JobId? after, int limit, CancellationToken cancellationToken) =>
        ReadOpen(new SqliteStatement(QueuedSinceSql, ("pool", pool), ("since", StateTime.Text(since)), ("after", after?.Value ?? 0), ("limit", limit)), cancellationToken);

    public Task<ImmutableArray<string>> Pools(CancellationToken cancellationToken) => database.Catalogue.Read(
        session =>
        {
            // One look into the index per pool, where DISTINCT would walk all open jobs.
            var pools = ImmutableArray.CreateBuilder<string>();
            while (session.Query(new SqliteStatement(NextPoolSql, ("pool", pools.LastOrDefault() ?? "")), row => row.IsDBNull(0) ? null : row.GetString(0)).Single() is { } next)
                pools.Add(next);
            return pools.ToImmutable();
        },
        cancellationToken);

    public Task<OpenJob?> FindOpen(JobId id, CancellationToken cancellationToken) => database.Catalogue.Read(
        session => session.Query(new SqliteStatement(FindOpenSql, ("id", id.Value)), CatalogueRows.Open).SingleOrDefault(), cancellationToken);

    public Task<ImmutableArray<EndedJob>> Ended(EndedJob? after, DateTimeOffset before, int limit, CancellationToken cancellationToken) => database.Catalogue.Read(
        session => session.Query(new SqliteStatement(EndedSql, ("after", after is null ? "" : StateTime.Text(after.Updated)), ("id", after?.Id.Value ?? 0), ("before", StateTime.Text(before)), ("limit", limit)), CatalogueRows.Ended).ToImmutableArray(), cancellationToken);

    public Task<ImmutableArray<EndedJob>> Surplus(int perOwner, DateTimeOffset before, int limit, CancellationToken cancellationToken) => database.Catalogue.Read(
        session => session.Query(new SqliteStatement(SurplusSql, ("most", perOwner), ("before", StateTime.Text(before)), ("limit", limit)), CatalogueRows.Ended).ToImmutableArray(), cancellationToken);

    public Task<ImmutableArray<EndedJob>> Deleted(int limit, CancellationToken cancellationToken) => database.Catalogue.Read(
        session => session.Query(new SqliteStatement(DeletedSql, ("limit", limit)), CatalogueRows.Ended).ToImmutableArray(), cancellationToken);

    public Task<ImmutableArray<DueTriggers>> TriggersDue(DateTimeOffset by, DueTriggers? after, int limit, CancellationToken cancellationToken) => database.Catalogue.Read(
        session => session.Query(new SqliteStatement(TriggersDueSql, ("by", StateTime.Text(by)), ("after", after is null ? "" : StateTime.Text(after.Due)), ("id", after?.Source.Id ?? 0), ("state", after is null ? "" : CatalogueRows.StateOf(after.Source.Kind)), ("limit", limit)), CatalogueRows.Due).ToImmutableArray(), cancellationToken);

    Task<ImmutableArray<TokenInfo>> ITokenCatalogue.List(string? user, CancellationToken cancellationToken) => database.Catalogue.Read(
        session => session.Query(new SqliteStatement(TokensSql, ("user", user)), CatalogueRows.Token).ToImmutableArray(), cancellationToken);

    Task<ImmutableArray<KeptSecret>> ISecretCatalogue.Of(string owner, CancellationToken cancellationToken) => database.Catalogue.Read(
        session => session.Query(new SqliteStatement(SecretsSql, ("owner", owner)), CatalogueRows.Secret).ToImmutableArray(), cancellationToken);

    Task<ImmutableArray<SecretKey>> ISecretCatalogue.All(CancellationToken cancellationToken) => database.Catalogue.Read(
        session => session.Query(new SqliteStatement(AllSecretsSql), CatalogueRows.SecretKey).ToImmutableArray(), cancellationToken);

    private Task<ImmutableArray<OpenJob>> ReadOpen(SqliteStatement statement, CancellationToken cancellationToken) => database.Catalogue.Read(
        session => session.Query(statement, CatalogueRows.Open).ToImmutableArray(), cancellationToken);
}
