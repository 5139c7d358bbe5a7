using System.Net;
using Builds.Jobs;
using Builds.Storage;
using Builds.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Storage;

namespace Builds.Tests.Storage;

/// <summary>Who is in a cluster: the clustering provider with our statements.</summary>
public sealed class PostgresMembershipTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    [PostgresFact]
    public async Task Silos_see_each_other_come_and_go()
    {
        await using var database = await PostgresTestDatabase.Create();
        await PostgresSchema.Upgrade(database.ConnectionString);
        using var ada = await Silo(database, "ada");
        using (var bob = await Silo(database, "bob"))
        {
            (await Members(ada, "ada", "bob")).Values.ShouldAllBe(status => status == SiloStatus.Active);
            (await Members(bob, "ada", "bob")).Count.ShouldBe(2);
            await bob.StopAsync();
        }

        (await Members(ada, "ada")).Count.ShouldBe(1);
        (await database.Rows("SELECT silo_name || status FROM membership ORDER BY 1")).ShouldBe(["ada3", "bob6"]);
        await ada.StopAsync();
    }

    [PostgresFact]
    public async Task The_table_changes_whole_or_not_at_all_and_only_from_its_newest_version()
    {
        await using var database = await PostgresTestDatabase.Create();
        await PostgresSchema.Upgrade(database.ConnectionString);
        using var host = Host(database, "ada");
        var table = host.Services.GetRequiredService<IMembershipTable>();
        await table.InitializeMembershipTableAsync(true);
        await table.InitializeMembershipTableAsync(true);
        var (ada, bob) = (Entry("ada", 1), Entry("bob", 2));
        var empty = (await table.ReadAllAsync()).Version;
        (empty.Version, (await table.ReadAllAsync()).Members.Count).ShouldBe((0, 0));

        (await table.InsertRowAsync(ada, new TableVersion(1, "1"))).ShouldBeFalse("that version is not there yet");
        (await table.InsertRowAsync(ada, empty)).ShouldBeTrue();
        (await table.InsertRowAsync(bob, empty)).ShouldBeFalse("somebody was first");
        var one = (await table.ReadAllAsync()).Version;
        one.Version.ShouldBe(1);
        (await table.InsertRowAsync(ada, one)).ShouldBeFalse("it is there");
        (await table.UpdateRowAsync(bob, one.VersionEtag, one)).ShouldBeFalse("it is not there");
        (await table.ReadAllAsync()).Version.Version.ShouldBe(1, "nothing of a refused change stays");
        (await table.InsertRowAsync(bob, one)).ShouldBeTrue();

        var two = (await table.ReadAllAsync()).Version;
        ada.Status = SiloStatus.Active;
        ada.AddSuspector(bob.SiloAddress, Some.Time.UtcDateTime);
        (await table.UpdateRowAsync(ada, two.VersionEtag, two)).ShouldBeTrue();
        (await table.UpdateRowAsync(ada, two.VersionEtag, two)).ShouldBeFalse();
        var read = (await table.ReadRowAsync(ada.SiloAddress)).Members.Single().Item1;
        (read.SiloName, read.HostName, read.Status, read.SuspectTimes!.Single().Item1).ShouldBe(("ada", "host", SiloStatus.Active, bob.SiloAddress));
        (read.StartTime, read.StartTime.Kind).ShouldBe((ada.StartTime, DateTimeKind.Utc));
        (await table.ReadRowAsync(Entry("nobody", 3).SiloAddress)).ShouldSatisfyAllConditions(none => none.Members.ShouldBeEmpty(), none => none.Version.Version.ShouldBe(3));
    }

    [PostgresFact]
    public Task A_silo_writes_while_it_is_a_member_and_not_before_or_afterwards() => WritesWhileItIsAMember("127.0.0.1");

    [PostgresFact]
    public Task A_silo_with_an_IPv6_address_writes_while_it_is_a_member() => WritesWhileItIsAMember("::1");

    private static async Task WritesWhileItIsAMember(string address)
    {
        await using var database = await PostgresTestDatabase.Create();
        await PostgresSchema.Upgrade(database.ConnectionString);
        using var host = Host(database, "ada", address);
        var storage = await StorageHarness.StartStorage(host);
        var table = host.Services.GetRequiredService<IMembershipTable>();
        await table.InitializeMembershipTableAsync(true);
        var (ada, record, other) = (Entry("ada", 1), new GrainState<JobState>(Jobs.Full(1)), new GrainState<JobState>(Jobs.Full(2)));
        ada.SiloAddress = host.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;

        await Should.ThrowAsync<InconsistentStateException>(() => storage.WriteStateAsync("job", StorageHarness.Job(1), record));
        (await table.InsertRowAsync(ada, (await table.ReadAllAsync()).Version)).ShouldBeTrue();
        await storage.WriteStateAsync("job", StorageHarness.Job(1), record);
        await storage.WriteStateAsync("job", StorageHarness.Job(1), record);
        var version = (await table.ReadAllAsync()).Version;
        ada.Status = SiloStatus.Dead;
        (await table.UpdateRowAsync(ada, version.VersionEtag, version)).ShouldBeTrue();

        await Should.ThrowAsync<InconsistentStateException>(() => storage.WriteStateAsync("job", StorageHarness.Job(1), record));
        await Should.ThrowAsync<InconsistentStateException>(() => storage.WriteStateAsync("job", StorageHarness.Job(2), other));
        await Should.ThrowAsync<InconsistentStateException>(() => storage.ClearStateAsync("job", StorageHarness.Job(1), record));
        (await database.Rows("SELECT n1 || ' ' || version FROM storage")).ShouldBe(["1 2"]);
    }

    [PostgresFact]
    public async Task Signs_of_life_never_go_back_and_the_long_dead_are_forgotten()
    {
        await using var database = await PostgresTestDatabase.Create();
        await PostgresSchema.Upgrade(database.ConnectionString);
        using var host = Host(database, "ada");
        var table = host.Services.GetRequiredService<IMembershipTable>();
        await table.InitializeMembershipTableAsync(true);
        var (alive, dead, young) = (Entry("alive", 1), Entry("dead", 2), Entry("young", 3));
        (alive.Status, dead.Status, young.Status) = (SiloStatus.Active, SiloStatus.Dead, SiloStatus.Dead);
        dead.AddSuspector(alive.SiloAddress, Some.Time.UtcDateTime);
        foreach (var entry in new[] { alive, dead, young })
        {
            var inserted = (await table.ReadAllAsync()).Version;
            (await table.InsertRowAsync(entry, inserted)).ShouldBeTrue();
            var updated = (await table.ReadAllAsync()).Version;
            (await table.UpdateRowAsync(entry, updated.VersionEtag, updated)).ShouldBeTrue();
        }

        young.IAmAliveTime = Some.Time.UtcDateTime.AddHours(2);
        await table.UpdateIAmAliveAsync(young);
        young.IAmAliveTime = Some.Time.UtcDateTime;
        await table.UpdateIAmAliveAsync(young);
        await table.CleanupDefunctSiloEntriesAsync(Some.Time.AddHours(1));

        (await table.ReadAllAsync()).Members.Select(member => member.Item1.SiloName).Order().ShouldBe(["alive", "young"]);
        await table.DeleteMembershipTableEntriesAsync("blue moon");
        (await database.Rows("SELECT silo_name FROM membership UNION ALL SELECT cluster_id FROM membership_version")).ShouldBeEmpty();
    }

    private static MembershipEntry Entry(string name, int port) => new()
    {
        SiloAddress = SiloAddress.New(IPAddress.Parse("10.0.0.1"), port, 7),
        SiloName = name,
        HostName = "host",
        Status = SiloStatus.Joining,
        StartTime = Some.Time.UtcDateTime,
        IAmAliveTime = Some.Time.UtcDateTime,
    };

    private static IHost Host(PostgresTestDatabase database, string name, string address = "127.0.0.1")
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.UseOrleans(silo =>
        {
            silo.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = ("blue moon", "builds"));
            silo.Configure<SiloOptions>(options => options.SiloName = name);
            silo.Configure<EndpointOptions>(endpoints => (endpoints.AdvertisedIPAddress, endpoints.SiloPort, endpoints.GatewayPort) = (IPAddress.Parse(address), Ports.Free(), 0));
            var postgres = new PostgresDatabase(database.ConnectionString);
            silo.UseBuildsStorage(postgres).UseBuildsMembership(postgres);
        });
        return builder.Build();
    }

    private static async Task<IHost> Silo(PostgresTestDatabase database, string name)
    {
        var host = Host(database, name);
        await host.StartAsync();
        return host;
    }

    /// <summary>Waits until a silo sees just these as active.</summary>
    private static async Task<Dictionary<string, SiloStatus>> Members(IHost silo, params string[] names)
    {
        var membership = silo.Services.GetRequiredService<IClusterMembershipService>();
        using var bound = new CancellationTokenSource(Bound);
        var seen = new Dictionary<string, SiloStatus>();
        try
        {
            await foreach (var view in membership.MembershipUpdates.WithCancellation(bound.Token))
            {
                seen = view.Members.Values.Where(member => member.Status == SiloStatus.Active).ToDictionary(member => member.Name, member => member.Status);
                if (seen.Keys.Order().SequenceEqual(names))
                    break;
            }
        }
        catch (OperationCanceledException late)
        {
            throw new TimeoutException($"{string.Join(", ", names)} were to be seen; seen: {string.Join(", ", seen)}", late);
        }

        return seen;
    }
}
