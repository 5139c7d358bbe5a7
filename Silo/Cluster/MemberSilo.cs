using System.Globalization;
using System.Security.Cryptography;
using Builds.Storage;
using Builds.Stores;
using Builds.Workers;

namespace Builds.Cluster;

/// <summary>A silo that may join: its database is upgraded and of the right cluster, its clock is right and its name is its own.</summary>
internal sealed record MemberSilo(ClusterOptions Options, PostgresDatabase Database, StoreLocation Store, SiloEndpoint Endpoint, WorkerIdentity Identity)
{
    /// <summary>Nothing of Orleans' own goes by it; it is in the database's rows.</summary>
    public const string ServiceId = "builds";

    private static readonly TimeSpan NamePoll = TimeSpan.FromMilliseconds(500);

    public string Name => Identity.Name;

    /// <summary>
    /// Does everything that must be true before the silo starts. Throws <see cref="ClusterException"/> with what is wrong and what to do.
    /// Once per start, by the holder of the data directory's lock.
    /// </summary>
    /// <param name="lease">How long a build may live whose silo is gone.</param>
    /// <param name="tell">Hears of what takes long.</param>
    public static async Task<MemberSilo> Join(
        ClusterOptions options, StoreOptions storeOptions, DataDirectory data, LeaseOptions lease, Action<string> tell, CancellationToken cancellationToken)
    {
        // The machine's own: what is waited for here is other machines.
        var clock = TimeProvider.System;
        RefuseEmbedded(data);
        var store = StoreOf(options);
        var name = options.Name ?? Environment.MachineName;
        var endpoint = await SiloEndpoint.Of(options);
        endpoint.RefuseInUse();
        await PostgresSchema.Upgrade(options.ConnectionString!, cancellationToken);
        var database = new PostgresDatabase(options.ConnectionString!);
        try
        {
            var records = new ClusterRecords(database);
            await CheckClock(options, records, clock, cancellationToken);
            await records.Join(options.Id, ServiceId, await IdOf(store, storeOptions, name, clock, cancellationToken), cancellationToken);
            await WaitForName(options, new SiloNames(database), name, endpoint, clock, tell, cancellationToken);
            var start = await records.NextIncarnation(name, HomeOf(data), cancellationToken);
            if (start.Moved)
                await OutliveLease(name, lease, clock, tell, cancellationToken);
            KillPoint.Reached("cluster.start-counted");
            return new MemberSilo(options, database, store, endpoint, new WorkerIdentity(name, start.Incarnation));
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    private static StoreLocation StoreOf(ClusterOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Store))
            throw new ClusterException("a cluster needs a store for logs and artifacts that every silo reaches. Name it with --store, for example --store /srv/builds or --store s3://builds/ci.");
        try
        {
            return StoreLocation.Parse(options.Store);
        }
        catch (FormatException error)
        {
            throw new ClusterException(error.Message, error);
        }
    }

    private static async Task<string> IdOf(StoreLocation store, StoreOptions options, string name, TimeProvider clock, CancellationToken cancellationToken)
    {
        try
        {
            return await StoreServices.IdOf(store, options, name, clock, cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException($"the store {store} cannot be used: {error.Message.TrimEnd('.')}. --store names a directory that every silo reaches and may write to.", error);
        }
    }

    private static void RefuseEmbedded(DataDirectory data)
    {
        if (File.Exists(data.Database))
            throw new ClusterException($"{data.Path} holds the database of a silo that is alone, which a cluster does not read. Give this silo another directory with --data; to take the old jobs along, see 'builds import --help'.");
    }

    private static async Task CheckClock(ClusterOptions options, ClusterRecords records, TimeProvider clock, CancellationToken cancellationToken)
    {
        // The answer's age counts against nobody: it lies between the two readings.
        var before = clock.GetUtcNow();
        var database = await records.Now(cancellationToken);
        var after = clock.GetUtcNow();
        var off = database < before ? before - database : database > after ? database - after : TimeSpan.Zero;
        if (off > options.ClockTolerance)
            throw new ClusterException(string.Create(
                CultureInfo.InvariantCulture,
                $"the clock of this machine is {off.TotalSeconds:0.0} s away from the database's ({before:u} here, {database:u} there); at most {options.ClockTolerance.TotalSeconds} s are allowed. Set the clocks by NTP."));
    }

    /// <summary>
    /// A silo that was killed keeps its name until the others have noticed.
    /// </summary>
    private static async Task WaitForName(
        ClusterOptions options, SiloNames names, string name, SiloEndpoint endpoint, TimeProvider clock, Action<string> tell, CancellationToken cancellationToken)
    {
        var begin = clock.GetTimestamp();
        for (var first = true; await names.HolderOf(options.Id, name, endpoint.Advertised, cancellationToken) is { } holder; first = false)
        {
            if (clock.GetElapsedTime(begin) >= options.NameWait)
                throw new ClusterException($"the name '{name}' is in use by the silo at {holder}. Give this one another name with --name; if that silo is gone, start this one with the same address and --silo-port.");
            if (first)
                tell($"the name '{name}' is in use by the silo at {holder}; waiting until that one has left, or its failure is noticed");
            await Task.Delay(NamePoll, clock, cancellationToken);
        }
    }

    /// <summary>
    /// The name was used from another data directory, perhaps on another machine: what runs there cannot be swept from here, but it ends
    /// with its lease.
    /// </summary>
    private static Task OutliveLease(string name, LeaseOptions lease, TimeProvider clock, Action<string> tell, CancellationToken cancellationToken)
    {
        var wait = lease.Lease + lease.Margin;
        tell(string.Create(CultureInfo.InvariantCulture, $"'{name}' was started from another data directory before; waiting {wait.TotalSeconds} s, after which nothing of that one can be running"));
        return Task.Delay(wait, clock, cancellationToken);
    }

    /// <summary>For people; without the connection string.</summary>
    public override string ToString() => $"silo {Name} of cluster {Options.Id} at {Endpoint.Advertised}";

    /// <summary>Tells this data directory from every other one.</summary>
    private static string HomeOf(DataDirectory data)
    {
        if (!File.Exists(data.Member))
            DurableFile.Write(data.Member, RandomNumberGenerator.GetHexString(32, lowercase: true) + "\n");
        var home = File.ReadAllText(data.Member).Trim();
        return home.Length > 0 ? home : throw new ClusterException($"{data.Member} is damaged: it is empty. Delete it.");
    }
}
