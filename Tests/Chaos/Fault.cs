using System.Runtime.InteropServices;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos;

/// <summary>Something that happens to a cluster, and is over some time later.</summary>
/// <param name="Kind">For counting.</param>
internal abstract record Fault(string Kind)
{
    public abstract Task Begin(ChaosCluster cluster);

    /// <summary>Makes good what it did. The silo may have ended meanwhile, and been started again.</summary>
    public abstract Task Heal(ChaosCluster cluster);
}

/// <summary>SIGKILL; started again when it is over.</summary>
internal sealed record KillSilo(int Member) : Fault("silo killed")
{
    public override Task Begin(ChaosCluster cluster) => cluster.Members[Member].Kill();

    public override Task Heal(ChaosCluster cluster)
    {
        cluster.Members[Member].Start();
        return Task.CompletedTask;
    }
}

/// <summary>SIGKILL, and started again so that it kills itself the Nth time that it passes a point.</summary>
internal sealed record KillAtPoint(int Member, string Point, int Time) : Fault("silo killed at a point")
{
    public override async Task Begin(ChaosCluster cluster)
    {
        await cluster.Members[Member].Kill();
        cluster.Members[Member].Start($"{Point}:{Time}:100");
    }

    // It is started again as soon as it dies, if it has got there.
    public override Task Heal(ChaosCluster cluster) => Task.CompletedTask;
}

/// <summary>SIGSTOP, and SIGCONT when it is over.</summary>
internal sealed record FreezeSilo(int Member) : Fault("silo frozen")
{
    public override Task Begin(ChaosCluster cluster)
    {
        cluster.Members[Member].Silo?.Freeze();
        return Task.CompletedTask;
    }

    public override Task Heal(ChaosCluster cluster)
    {
        cluster.Members[Member].Silo?.Thaw();
        return Task.CompletedTask;
    }
}

/// <summary>SIGTERM; started again when it is over.</summary>
internal sealed record LeaveSilo(int Member) : Fault("silo drained")
{
    /// <summary>More than the grace, what the host may take, and a last word.</summary>
    private static readonly TimeSpan Leaving = TimeSpan.FromMinutes(2);

    public override Task Begin(ChaosCluster cluster)
    {
        cluster.Members[Member].Terminate();
        return Task.CompletedTask;
    }

    public override async Task Heal(ChaosCluster cluster)
    {
        var member = cluster.Members[Member];
        if (member.Silo is { } leaving)
        {
            await leaving.Ended.WaitAsync(Leaving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!leaving.Ended.IsCompleted)
                throw new HarnessException($"{member.Name} has not ended {Leaving} after SIGTERM");
        }

        member.Start();
    }
}

/// <summary>An orderly restart; killed as a whole and started; stopped, or frozen, until it is over.</summary>
internal sealed record DatabaseFault(DatabaseTrouble Trouble) : Fault($"database {Word(Trouble)}")
{
    public override async Task Begin(ChaosCluster cluster)
    {
        switch (Trouble)
        {
            case DatabaseTrouble.Restart:
                await cluster.Postgres.Restart();
                break;
            case DatabaseTrouble.Kill:
                cluster.Postgres.Kill();
                await cluster.Postgres.StartAgain();
                break;
            case DatabaseTrouble.Down:
                await cluster.Postgres.Stop();
                break;
            case DatabaseTrouble.Freeze:
                cluster.Postgres.Freeze();
                break;
        }
    }

    public override async Task Heal(ChaosCluster cluster)
    {
        if (Trouble == DatabaseTrouble.Down)
            await cluster.Postgres.StartAgain();
        else if (Trouble == DatabaseTrouble.Freeze)
            cluster.Postgres.Thaw();
    }

    private static string Word(DatabaseTrouble trouble) => trouble switch
    {
        DatabaseTrouble.Restart => "restarted",
        DatabaseTrouble.Kill => "killed",
        DatabaseTrouble.Down => "down",
        _ => "frozen",
    };
}

internal enum DatabaseTrouble
{
    Restart,
    Kill,
    Down,
    Freeze,
}

/// <summary>The way of one silo to the database.</summary>
internal sealed record DatabaseLink(int Member, Link Link) : Fault("way to the database")
{
    public override Task Begin(ChaosCluster cluster) => Set(cluster, Link);

    public override Task Heal(ChaosCluster cluster) => Set(cluster, Link.Whole);

    private Task Set(ChaosCluster cluster, Link link)
    {
        var member = cluster.Members[Member];
        member.Database.Set(member.Name, link);
        return Task.CompletedTask;
    }
}

/// <summary>The way between a silo and another one, or every other one.</summary>
/// <param name="Other">Null: all others.</param>
/// <param name="Link">As the first silo sees it; connections that the others opened are turned round.</param>
internal sealed record PeerLink(int Member, int? Other, Link Link) : Fault(Other is null ? "silo cut off" : "two silos cut off from each other")
{
    public override Task Begin(ChaosCluster cluster) => Set(cluster, Link);

    public override Task Heal(ChaosCluster cluster) => Set(cluster, Link.Whole);

    private Task Set(ChaosCluster cluster, Link link)
    {
        var one = cluster.Members[Member];
        foreach (var other in Other is { } number ? [cluster.Members[number]] : cluster.Members.Where(member => member != one))
        {
            other.Peers.Set(one.Name, link);
            one.Peers.Set(other.Name, link with { Towards = link.Back, Back = link.Towards });
        }

        return Task.CompletedTask;
    }
}

/// <summary>One silo, or every one, does not reach the store; files that are open stay open.</summary>
internal sealed partial record StoreAway(int? Member) : Fault("store unreachable")
{
    public override Task Begin(ChaosCluster cluster) => Point(cluster, cluster.At("no-directory"));

    public override Task Heal(ChaosCluster cluster) => Point(cluster, cluster.Store);

    private async Task Point(ChaosCluster cluster, string target)
    {
        // A file where the directory was: nothing can be made below it, and nothing found.
        if (target != cluster.Store)
            await File.WriteAllTextAsync(target, "");
        foreach (var member in Member is { } number ? [cluster.Members[number]] : cluster.Members)
        {
            File.CreateSymbolicLink(member.Store + ".new", target);
            if (Rename(member.Store + ".new", member.Store) != 0)
                throw new IOException($"{member.Store} cannot be pointed elsewhere: error {Marshal.GetLastPInvokeError()}");
        }
    }

    // In one step, so that nobody makes a directory of the name in between; File.Move takes no link to a directory.
    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);
}

/// <summary>The date of one silo jumps, and jumps back.</summary>
internal sealed record ClockStep(int Member, int Seconds) : Fault("clock stepped")
{
    public override Task Begin(ChaosCluster cluster)
    {
        cluster.Members[Member].Shim.Tell(TimeSpan.FromSeconds(Seconds), TimeSpan.Zero);
        return Task.CompletedTask;
    }

    public override Task Heal(ChaosCluster cluster)
    {
        cluster.Members[Member].Shim.Tell(TimeSpan.Zero, TimeSpan.Zero);
        return Task.CompletedTask;
    }
}

/// <summary>Each sync and each rename of one silo takes longer.</summary>
internal sealed record SlowDisk(int Member, int Milliseconds) : Fault("slow disk")
{
    public override Task Begin(ChaosCluster cluster)
    {
        cluster.Members[Member].Shim.Tell(TimeSpan.Zero, TimeSpan.FromMilliseconds(Milliseconds));
        return Task.CompletedTask;
    }

    public override Task Heal(ChaosCluster cluster)
    {
        cluster.Members[Member].Shim.Tell(TimeSpan.Zero, TimeSpan.Zero);
        return Task.CompletedTask;
    }
}
