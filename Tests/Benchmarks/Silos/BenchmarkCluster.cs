using Builds.Jobs;
using Builds.Storage;
using Builds.Support;
using Npgsql;

namespace Builds.Benchmarks.Silos;

/// <summary>A cluster of silos on this machine, with a database of its own.</summary>
internal sealed class BenchmarkCluster : IAsyncDisposable
{
    /// <summary>Of the first of many jobs that are put into the database: above all that the silos give out.</summary>
    public const int FirstOfMany = 1_000_000_000;

    /// <summary>What a silo's connection string does not say is 16 connections: <see cref="PostgresSettings"/>.</summary>
    public const int Connections = 16;

    private readonly string directory, connectionString;
    private readonly List<ClusterSilo> silos = [];
    private readonly List<int> ports = [];
    private int turn;

    private readonly bool gated;

    private BenchmarkCluster(string directory, string connectionString, bool gated) => (this.directory, this.connectionString, this.gated) = (directory, connectionString, gated);

    public int Size => silos.Count;

    public ClusterSilo First => silos[0];

    public NpgsqlConnection Database => new(connectionString + ";Pooling=false;Command Timeout=300;Max Auto Prepare=10;Auto Prepare Min Usages=1");

    /// <param name="gated">Each build waits until it is let through.</param>
    public static async Task<BenchmarkCluster> Create(PostgresServer server, string directory, bool gated = false)
    {
        Directory.CreateDirectory(Path.Combine(directory, "store"));
        return new BenchmarkCluster(directory, await server.CreateDatabase(), gated);
    }

    /// <summary>One more silo, or one that was taken away again.</summary>
    public async Task Add(int slots)
    {
        if (ports.Count == silos.Count)
            ports.Add(Ports.Free());
        silos.Add(await ClusterSilo.Start(connectionString, Path.Combine(directory, "store"), Data(silos.Count), Data(0), ports[silos.Count], slots, gated));
    }

    /// <summary>SIGKILL for the only silo there is.</summary>
    public async Task KillFirst()
    {
        await First.DisposeAsync();
        silos.RemoveAt(0);
    }

    /// <summary>Through one silo after the other.</summary>
    public Task<JobId> Submit() => Any.Submit(Manifests.True, label: null);

    /// <summary>A job that no worker can take, so that it only waits.</summary>
    public Task<JobId> SubmitWaiting() => Any.Submit(Manifests.True, "nowhere");

    public Task Ended(JobId job) => Any.Ended(job);

    /// <summary>Puts many jobs into the database as if they had been submitted an hour ago: through the door that would take minutes.</summary>
    /// <param name="job">What they are all like.</param>
    public async Task PutMany(JobState job, int count)
    {
        await using var connection = Database;
        await connection.OpenAsync();
        var model = job with { Id = new JobId(FirstOfMany - 1), Revision = 1 };
        await using var write = new NpgsqlCommand(StorageScripts.Postgres.Queries.Single(query => query.Key == "WriteToStorageKey").Text, connection);
        write.Parameters.AddWithValue("ServiceId", "");
        write.Parameters.AddWithValue("GrainTypeString", "job");
        write.Parameters.AddWithValue("GrainIdN0", 0L);
        write.Parameters.AddWithValue("GrainIdN1", (long)model.Id.Value);
        write.Parameters.Add(new NpgsqlParameter<string?>("GrainIdExtensionString", null) { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        write.Parameters.Add(new NpgsqlParameter<int?>("GrainStateVersion", null) { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Integer });
        write.Parameters.AddWithValue("PayloadBinary", new StateJson().Serialize(model).ToArray());
        await write.ExecuteNonQueryAsync();
        // The trigger's work in one go: it takes longer than all the rest. The model itself has been counted by it.
        await using var many = new NpgsqlCommand($$"""
            SET session_replication_role = replica;
            INSERT INTO storage (state, n0, n1, key, version, id, owner, status, reason, attempt, worker, incarnation, queued_at, started, cancel_requested,
                image, visibility, tags, note, created, updated, expires, revision, pool, priority, labels, payload)
            SELECT state, n0, n, key, version, n, owner, status, reason, attempt, worker, incarnation, queued_at, started, cancel_requested,
                image, visibility, tags, note, created, updated, expires, revision, pool, priority, labels,
                convert_to(replace(convert_from(payload, 'UTF8'), '"id":' || n1 || ',', '"id":' || n || ','), 'UTF8')
            FROM storage CROSS JOIN generate_series({{FirstOfMany}}, {{FirstOfMany + count - 1}}) AS n
            WHERE state = 'job' AND n0 = 0 AND n1 = {{FirstOfMany - 1}} AND key = '';
            INSERT INTO job_total (owner, part, jobs) SELECT owner, id % 32, count(*) FROM storage WHERE state = 'job' AND id >= {{FirstOfMany}} GROUP BY 1, 2
            ON CONFLICT (owner, part) DO UPDATE SET jobs = job_total.jobs + excluded.jobs;
            """, connection);
        await many.ExecuteNonQueryAsync();
        await using var tidy = new NpgsqlCommand("VACUUM ANALYZE storage", connection);
        await tidy.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in silos)
            await silo.DisposeAsync();
    }

    private ClusterSilo Any => silos[(int)((uint)Interlocked.Increment(ref turn) % silos.Count)];

    private string Data(int silo) => Path.Combine(directory, $"silo-{silo + 1}");
}
