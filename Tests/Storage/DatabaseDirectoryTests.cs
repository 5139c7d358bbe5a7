using Builds.Storage;
using Builds.Support;
using Npgsql;

namespace Builds.Tests.Storage;

/// <summary>Where grains are, by the database.</summary>
public sealed class DatabaseDirectoryTests
{
    private static readonly GrainId Queue = GrainId.Parse("queue/default");
    private static readonly SiloAddress Ada = Silo(1), Bob = Silo(2);

    [PostgresFact]
    public async Task Of_silos_that_register_at_once_one_is_registered_and_all_hear_of_it()
    {
        await using var test = await Directories.Open();
        var addresses = Enumerable.Range(1, 20).Select(number => Address(Silo(number))).ToArray();

        var answers = await Task.WhenAll(addresses.Select(address => test.New().Register(address)));

        var first = answers[0].ShouldNotBeNull();
        addresses.ShouldContain(first);
        answers.ShouldAllBe(answer => answer!.Equals(first) && answer.MembershipVersion == first.MembershipVersion);
        (await test.New().Lookup(Queue)).ShouldBe(first);
    }

    [PostgresFact]
    public async Task An_activation_that_is_gone_is_replaced_by_who_names_it_and_by_nobody_else()
    {
        await using var test = await Directories.Open();
        var (old, other, next) = (Address(Ada), Address(Ada), Address(Bob));
        await test.One.Register(old);

        (await test.New().Register(next, other)).ShouldBe(old, "another activation, though on the same silo");
        (await test.New().Register(next)).ShouldBe(old);
        (await test.New().Register(next, old)).ShouldBe(next);
        (await test.New().Register(old, old)).ShouldBe(next, "that time is over");
        (await test.One.Lookup(Queue)).ShouldBe(next);
    }

    [PostgresFact]
    public async Task An_activation_takes_only_itself_out()
    {
        await using var test = await Directories.Open();
        var (address, other) = (Address(Ada), Address(Ada));
        await test.One.Register(address);

        await test.One.Unregister(other);
        (await test.One.Lookup(Queue)).ShouldBe(address);
        await test.One.Unregister(address);
        await test.One.Unregister(address);
        (await test.One.Lookup(Queue)).ShouldBeNull();
        (await test.New().Register(other)).ShouldBe(other);
    }

    [PostgresFact]
    public async Task An_activation_that_was_forgotten_keeps_its_place_unless_another_has_it()
    {
        await using var test = await Directories.Open();
        var (address, other) = (Address(Ada), Address(Ada));
        await test.One.Register(address);

        (await test.One.Keep(address)).ShouldBeTrue();
        await test.New().UnregisterSilos([Ada]);
        (await test.One.Keep(address)).ShouldBeTrue();
        (await test.New().Lookup(Queue)).ShouldBe(address);
        (await test.New().Keep(other)).ShouldBeFalse();
        (await test.New().Lookup(Queue)).ShouldBe(address);
    }

    [PostgresFact]
    public async Task Silos_that_are_dead_are_taken_out_with_all_that_was_there()
    {
        await using var test = await Directories.Open();
        var (special, here) = (Address(Ada, "queue/special"), Address(Bob));
        await test.One.Register(special);
        await test.One.Register(here);

        await test.One.UnregisterSilos([Ada, Silo(3)]);

        (await test.One.Lookup(special.GrainId)).ShouldBeNull();
        (await test.One.Lookup(Queue)).ShouldBe(here);
    }

    [PostgresFact]
    public async Task While_the_database_does_not_answer_a_grain_is_where_it_was_and_none_is_registered()
    {
        await using var server = await PostgresServer.Start();
        await using var test = await Directories.Open(server);
        var address = Address(Ada);
        await test.One.Register(address);

        server.Freeze();
        (await test.One.Lookup(Queue)).ShouldBe(address);
        server.Thaw();
        await server.Stop();

        (await test.One.Lookup(Queue)).ShouldBe(address);
        await Should.ThrowAsync<NpgsqlException>(test.One.Lookup(GrainId.Parse("queue/other")));
        await Should.ThrowAsync<NpgsqlException>(test.One.Register(Address(Bob), address));
        await server.Start();
        (await test.One.Lookup(Queue)).ShouldBe(address);
    }

    private static SiloAddress Silo(int number) => SiloAddress.FromParsableString($"127.0.0.1:1111@{number}");

    private static GrainAddress Address(SiloAddress silo, string grain = "queue/default") =>
        new() { GrainId = GrainId.Parse(grain), ActivationId = ActivationId.NewId(), SiloAddress = silo, MembershipVersion = new MembershipVersion(silo.Generation) };

    /// <summary>A database, and what several silos have of it.</summary>
    private sealed class Directories(PostgresTestDatabase database) : IAsyncDisposable
    {
        private readonly PostgresDatabase silo = new(database.ConnectionString);

        public DatabaseDirectory One { get; private set; } = null!;

        public static async Task<Directories> Open(PostgresServer? server = null)
        {
            var database = await PostgresTestDatabase.Create(server);
            await PostgresSchema.Upgrade(database.ConnectionString);
            var directories = new Directories(database);
            directories.One = directories.New();
            return directories;
        }

        public DatabaseDirectory New() => new(silo, TimeProvider.System);

        public async ValueTask DisposeAsync()
        {
            await silo.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
