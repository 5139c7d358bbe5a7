using System.Globalization;
using Builds.Support;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos;

/// <summary>
/// One silo of the cluster, over all its starts. It is started again whenever it ends although it should run, as an init system would do
/// it. Between it and each other silo, and between it and the database, stands a <see cref="FaultProxy"/>.
/// </summary>
internal sealed class Member : IAsyncDisposable
{
    /// <summary>More than the grace, what the host may take, and a last word.</summary>
    private static readonly TimeSpan Leaving = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan RestartAfter = TimeSpan.FromMilliseconds(300);

    private readonly ChaosCluster cluster;
    private readonly int siloPort = Ports.Free();
    private readonly Lock gate = new();
    private readonly List<string> said = [];
    private readonly List<Task> watches = [];
    private SiloProcess? silo;
    private bool isWanted;

    public Member(ChaosCluster cluster, string name)
    {
        (this.cluster, Name) = (cluster, name);
        Data = cluster.At($"data-{name}-{Path.GetFileName(cluster.Folder)}");
        Store = cluster.At($"store-of-{name}");
        Shim = new Shim(cluster.At($"shim-{name}"));
        Database = new FaultProxy(cluster.Postgres.Port, cluster.NameOf);
        Peers = new FaultProxy(siloPort, cluster.NameOf);
        File.CreateSymbolicLink(Store, cluster.Store);
    }

    public string Name { get; }
    public string Data { get; }

    /// <summary>A name of its own for the store that all share.</summary>
    public string Store { get; }
    public Shim Shim { get; }

    /// <summary>The assembly of the product that its next start runs.</summary>
    public string Program { get; set; } = typeof(BuildsHost).Assembly.Location;

    /// <summary>On its way to the database.</summary>
    public FaultProxy Database { get; }

    /// <summary>On the way of others to it.</summary>
    public FaultProxy Peers { get; }

    public SiloProcess? Silo
    {
        get
        {
            lock (gate)
                return silo;
        }
    }

    /// <summary>Where it answers; null while it does not.</summary>
    public Uri? Address => Silo is { Address: { } address, Ended.IsCompleted: false } ? address : null;

    public int? Process => Silo is { Ended.IsCompleted: false, Id: var id } ? id : null;

    /// <summary>How often it ended by itself, though nobody killed it: found that it was given up for dead, for example.</summary>
    public int EndedByItself { get; private set; }

    public int DiedAtPoint { get; private set; }

    /// <summary>All that its starts have printed.</summary>
    public string Said
    {
        get
        {
            lock (gate)
                return string.Concat(said.Append(silo?.SaidInFull ?? ""));
        }
    }

    /// <summary>Starts it, if it does not run.</summary>
    public void Start(string? killPoint = null)
    {
        lock (gate)
        {
            isWanted = true;
            if (silo is { Ended.IsCompleted: false })
                return;
            if (silo is not null)
                said.Add(silo.SaidInFull + $"--- {Name} ended with {silo.ExitCode}, and starts again\n");
            silo = SiloProcess.Start(cluster.Command(this), cluster.Settings(this), killPoint, Shim.Environment);
            watches.Add(Watch(silo));
        }
    }

    /// <summary>SIGKILL; it stays away until somebody starts it.</summary>
    public async Task Kill()
    {
        SiloProcess? victim;
        lock (gate)
        {
            isWanted = false;
            victim = silo;
        }

        if (victim is null)
            return;
        if (!victim.Ended.IsCompleted)
            victim.Kill();
        await victim.Ended;
    }

    /// <summary>SIGTERM; it stays away until somebody starts it.</summary>
    public void Terminate()
    {
        lock (gate)
            isWanted = false;
        Silo?.Terminate();
    }

    /// <summary>Waits until what was told to leave has ended.</summary>
    public async Task UntilEnded()
    {
        if (Silo is not { } leaving)
            return;
        await leaving.Ended.WaitAsync(Leaving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!leaving.Ended.IsCompleted)
            throw new HarnessException($"{Name} has not ended {Leaving} after SIGTERM");
    }

    public async ValueTask DisposeAsync()
    {
        await Kill();
        Task[] all;
        lock (gate)
            all = [.. watches];
        await Task.WhenAll(all);
        if (silo is not null)
            await silo.DisposeAsync();
        await Database.DisposeAsync();
        await Peers.DisposeAsync();
    }

    /// <summary>What names the silo's port to others.</summary>
    public string Advertised => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Peers.Port}");

    public int SiloPort => siloPort;

    private async Task Watch(SiloProcess watched)
    {
        await watched.Ended;
        bool again;
        lock (gate)
        {
            again = isWanted;
            if (watched.DiedAtKillPoint)
                DiedAtPoint++;
            else if (again)
                EndedByItself++;
        }

        if (!again)
            return;
        cluster.Tell($"{Name} ended with {watched.ExitCode}, and is started again; it said last: {watched.Said.TrimEnd().Split('\n')[^1]}");
        await Task.Delay(RestartAfter);
        lock (gate)
        {
            if (isWanted && silo == watched)
                Start();
        }
    }
}
