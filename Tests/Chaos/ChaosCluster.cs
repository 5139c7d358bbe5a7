using System.Globalization;
using Builds.Cluster;
using Builds.Support;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos;

/// <summary>Silos, their database and their store, and everything that can be done to them.</summary>
internal sealed class ChaosCluster : IAsyncDisposable
{
    public const int Slots = 3;
    public const int MaxAttempts = 3;

    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(3);
    private static readonly string? KeepIn = Environment.GetEnvironmentVariable("BUILDS_CHAOS_KEEP");

    private readonly long begin = TimeProvider.System.GetTimestamp();
    private readonly TempFolder folder = new();
    private readonly Action<string> tell;
    private readonly string connectionString;

    private ChaosCluster(PostgresServer postgres, string connectionString, int members, Action<string> tell)
    {
        (Postgres, this.connectionString, this.tell) = (postgres, connectionString, tell);
        // The builds' users must get through to what is theirs.
        File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_101_101);
        Directory.CreateDirectory(Store);
        Witness = new Witness();
        Members = [.. Enumerable.Range(1, members).Select(number => new Member(this, string.Create(CultureInfo.InvariantCulture, $"s{number}")))];
    }

    public PostgresServer Postgres { get; }
    public Witness Witness { get; }
    public IReadOnlyList<Member> Members { get; }
    public string Folder => folder.Path;
    public string Store => At("store");

    /// <summary>The harness' own way to the database, past every proxy.</summary>
    public string ConnectionString => connectionString + ";Timeout=5;Command Timeout=10";

    /// <summary>What every process of its builds bears.</summary>
    public string Run => ProcessWatch.RunOf(Members[0].Data);

    public ProcessWatch Processes => field ??= new ProcessWatch([.. Members.Select(member => member.Data)]);

    /// <summary>Further settings of each silo.</summary>
    public Func<Member, IReadOnlyList<(string Name, string Value)>> MoreSettings { get; init; } = _ => [];

    /// <summary>What is wrong with each silo (<see cref="BrokenSilo"/>); null: nothing that we know of.</summary>
    public string? Bug { get; init; }

    /// <summary>A token of the admin.</summary>
    public string Admin { get; private set; } = "";

    /// <summary>Starts all members on an empty database; ends when all are ready.</summary>
    /// <param name="settings">Further ones of each silo.</param>
    /// <param name="bug">What is wrong with each (<see cref="Bug"/>).</param>
    /// <param name="firstAlone">True: the others start when the first is ready, which then has the queue. False: all start at once.</param>
    public static async Task<ChaosCluster> Start(
        PostgresServer postgres, int members, Action<string> tell, Func<Member, IReadOnlyList<(string, string)>>? settings = null, bool firstAlone = false, string? bug = null)
    {
        var cluster = new ChaosCluster(postgres, await postgres.CreateDatabase(), members, tell) { MoreSettings = settings ?? (_ => []), Bug = bug };
        try
        {
            cluster.Members[0].Start();
            if (firstAlone)
                await cluster.Members[0].Silo!.Ready.WaitAsync(Bound);
            foreach (var member in cluster.Members)
                member.Start();
            await cluster.UntilWhole();
            cluster.Admin = (await File.ReadAllTextAsync(DataDirectory.Existing(cluster.Members[0].Data).AdminToken)).Trim();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public void Tell(string line) => tell($"{TimeProvider.System.GetElapsedTime(begin).TotalSeconds,6:0.0} s {line}");

    public string At(string name) => Path.Combine(folder.Path, name);

    public IEnumerable<string> Command(Member member) =>
    [
        .. Bug is { } bug ? [typeof(BrokenSilo).Assembly.Location, BrokenSilo.Name, bug] : new[] { member.Program }, "serve", "--urls", "http://127.0.0.1:0", "--data", member.Data,
        "--name", member.Name, "--silo-port", $"{member.SiloPort}", "--advertise", member.Advertised, "--store", member.Store,
    ];

    public IEnumerable<(string Name, string Value)> Settings(Member member) =>
    [
        // Not on the command line, where other users of the machine would see the password.
        ("Cluster:ConnectionString", connectionString.Replace($"Port={Postgres.Port}", $"Port={member.Database.Port}", StringComparison.Ordinal)),
        ("Api:Origin", "http://builds.example"),
        ("Jobs:MaxAttempts", MaxAttempts.ToString(CultureInfo.InvariantCulture)),
        ("Execution:Grace", "00:00:00.500"),
        ("Execution:Driver", Builds.Execution.Needs.Bubblewrap ? "Bubblewrap" : "Process"),
        // Tasks tell the witness, on loopback, that they live.
        ("Execution:HostNetwork", "Host"),
        // Nothing of a build may be alive in the end.
        ("Execution:Parked", "0"),
        ("Worker:DrainGrace", "00:00:03"),
        ("Worker:Slots", $"{Slots}"),
        .. MoreSettings(member),
    ];

    /// <summary>Which member's silo holds the port.</summary>
    public string? NameOf(int port) =>
        PortOwners.Of(port, Members.Select(member => (member.Name, Process: member.Process ?? 0)).Where(candidate => candidate.Process > 0));

    /// <summary>Where the queue is, or was last; null: nobody who runs has said so.</summary>
    public Member? QueueHolder => Members.Where(member => member.Process is not null && member.Silo!.QueueSince is not null).MaxBy(member => member.Silo!.QueueSince);

    /// <summary>Which processes its silos are: another text once one of them ended.</summary>
    public string Starts => string.Join(' ', Members.Select(member => member.Process));

    /// <summary>Leaves what the silos said in the directory BUILDS_CHAOS_KEEP, if it is set.</summary>
    public void Keep(string name)
    {
        if (KeepIn is null)
            return;
        Directory.CreateDirectory(KeepIn);
        foreach (var member in Members)
            File.WriteAllText(Path.Combine(KeepIn, $"{name}-{member.Name}.log"), member.Said);
    }

    /// <summary>Waits until every member runs and says that it is ready for work.</summary>
    public async Task UntilWhole()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        var since = TimeProvider.System.GetTimestamp();
        var last = new Dictionary<string, string>();
        while (true)
        {
            foreach (var member in Members)
                last[member.Name] = await Health(http, member);
            if (last.Values.All(health => health == "200"))
                return;
            if (TimeProvider.System.GetElapsedTime(since) > Bound)
                throw new HarnessException($"not every silo is ready {Bound} after all faults were healed: {string.Join("; ", last.Select(one => $"{one.Key}: {one.Value}"))}");
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>200 if it is ready for work, else what it answers instead, or why it does not.</summary>
    public static async Task<string> Health(HttpClient http, Member member)
    {
        if (member.Address is not { } address)
            return member.Silo?.Ended.IsCompleted == false ? "starting" : "not running";
        try
        {
            using var answer = await http.GetAsync(new Uri(address, "/health/ready"));
            return answer.IsSuccessStatusCode ? "200" : $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            return error.Message;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Members.Select(async member => await member.DisposeAsync()));
        await Witness.DisposeAsync();
        folder.Dispose();
    }
}
