using Builds.Cluster;
using Builds.Storage;
using Builds.Support;

namespace Builds.Tests.Storage;

/// <summary>What silos agree on before they are a cluster.</summary>
public sealed class ClusterRecordsTests
{
    [PostgresFact]
    public async Task The_first_silo_says_what_the_cluster_is_and_others_must_say_the_same()
    {
        await using var cluster = await Cluster.Start();
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => cluster.Records.Join("blue", "builds", "store-1")));
        var where = $"the cluster of database {cluster.Database.Name} on 127.0.0.1:{cluster.Database.Server.Port} as user builds";

        (await Refusal("green", "builds", "store-1")).ShouldBe($"{where} has cluster id blue, this silo has green. Give this silo that one, or another database.");
        (await Refusal("blue", "other", "store-1")).ShouldBe($"{where} has service id builds, this silo has other. Give this silo that one, or another database.");
        (await Refusal("blue", "builds", "store-2")).ShouldBe($"{where} has store store-1, this silo has store-2. Give this silo the same store as all others: --store.");
        (await cluster.Database.Rows("SELECT cluster_id || service_id || store_id FROM cluster")).ShouldBe(["bluebuildsstore-1"]);

        async Task<string> Refusal(string id, string service, string store) =>
            (await Should.ThrowAsync<ClusterException>(() => cluster.Records.Join(id, service, store))).Message;
    }

    [PostgresFact]
    public async Task Of_different_silos_that_are_first_at_once_one_wins()
    {
        await using var cluster = await Cluster.Start();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 10).Select(async number =>
        {
            try
            {
                await cluster.Records.Join("blue", "builds", $"store-{number}");
                return number;
            }
            catch (ClusterException)
            {
                return -1;
            }
        }));

        (await cluster.Database.Rows("SELECT store_id FROM cluster")).ShouldBe([$"store-{outcomes.Single(number => number >= 0)}"]);
    }

    [PostgresFact]
    public async Task Every_start_of_a_worker_has_a_number_of_its_own_that_grows()
    {
        await using var cluster = await Cluster.Start();
        var starts = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => cluster.Records.NextIncarnation("ada", "home-1")));

        starts.Select(start => start.Incarnation).Order().ShouldBe(Enumerable.Range(1, 20).Select(number => (long)number));
        (await cluster.Records.NextIncarnation("ada", "home-1")).Incarnation.ShouldBe(21);
        (await cluster.Records.NextIncarnation("Ada", "home-1")).Incarnation.ShouldBe(1);
    }

    [PostgresFact]
    public async Task A_worker_that_comes_back_with_another_data_directory_is_known_to()
    {
        await using var cluster = await Cluster.Start();
        var starts = new List<WorkerStart>();
        foreach (var home in new[] { "home-1", "home-1", "home-2", "home-2", "home-1" })
            starts.Add(await cluster.Records.NextIncarnation("ada", home));

        starts.Select(start => start.Moved).ShouldBe([false, false, true, false, true]);
        starts[2].ShouldBe(new WorkerStart(3, "home-1", "home-2"));
    }

    [PostgresFact]
    public async Task The_time_is_the_databases()
    {
        await using var cluster = await Cluster.Start();
        var before = await cluster.Database.Rows("SELECT clock_timestamp()::text");
        var now = await cluster.Records.Now();
        var after = await cluster.Database.Rows("SELECT clock_timestamp()::text");

        now.Offset.ShouldBe(TimeSpan.Zero);
        now.ShouldBeInRange(Time(before), Time(after));

        static DateTimeOffset Time(List<string?> rows) => DateTimeOffset.Parse(rows.Single()!, System.Globalization.CultureInfo.InvariantCulture);
    }

    [PostgresFact]
    public async Task A_database_that_went_away_is_one_clear_message()
    {
        await using var gone = new PostgresDatabase("Host=127.0.0.1;Port=1;Database=builds;Username=mia;Password=pw-4f1d7c");

        var failure = await Should.ThrowAsync<ClusterException>(() => new ClusterRecords(gone).Now());

        failure.Message.ShouldStartWith("the cluster's database: 127.0.0.1:1 cannot be reached: Connection refused.");
        failure.ToString().ShouldNotContain(PostgresServer.Password);
    }

    /// <summary>A database of the test's own, as a silo has it.</summary>
    private sealed class Cluster(PostgresTestDatabase database, PostgresDatabase postgres) : IAsyncDisposable
    {
        public PostgresTestDatabase Database => database;

        public ClusterRecords Records => new(postgres);

        public static async Task<Cluster> Start()
        {
            var database = await PostgresTestDatabase.Create();
            await PostgresSchema.Upgrade(database.ConnectionString);
            return new Cluster(database, new PostgresDatabase(database.ConnectionString));
        }

        public async ValueTask DisposeAsync()
        {
            await postgres.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
