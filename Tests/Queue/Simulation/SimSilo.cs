using System.Collections.Immutable;
using Builds.Cluster;
using Builds.Queue;

namespace Builds.Tests.Queue.Simulation;

/// <summary>A silo by its stable name, over all its starts; and the lines to it, which get cut.</summary>
public sealed class SimSilo
{
    private readonly SimWorld world;

    public SimSilo(SimWorld world, int number)
    {
        this.world = world;
        Number = number;
        Name = $"w{number}";
        Pool = world.Plan.Pools == 2 && number % 2 == 1 ? "p1" : Placement.DefaultPool;
        Images = number == 0 ? ["a", "b"] : ["a"];
        Labels = number == 0 ? ["x"] : [];
        Process = new SimProcess(world, this, 1);
    }

    public int Number { get; }
    public string Name { get; }
    public string Pool { get; }
    public ImmutableArray<string> Images { get; }
    public ImmutableArray<string> Labels { get; }
    /// <summary>The latest start; it may be dead.</summary>
    public SimProcess Process { get; private set; }
    public TimeSpan DatabaseCutUntil { get; set; }
    public TimeSpan OutCutUntil { get; set; }
    public TimeSpan InCutUntil { get; set; }

    public bool IsCutTo(SimSilo other) => OutCutUntil > world.Now || other.InCutUntil > world.Now;

    public void Start() => Process.Start();

    /// <summary>Joins again: the new start has to write into the membership table, where it also ends what is left of the one before.</summary>
    public void Restart()
    {
        // Who joins has reached everybody that the table has as active, and everybody knows of him from then on.
        if (world.DatabaseDownUntil > world.Now || DatabaseCutUntil > world.Now || world.Silos.Any(other => other != this && !other.Process.MayBeJoinedBy(this)))
        {
            world.At(TimeSpan.FromSeconds(1), Restart);
            return;
        }

        Process.DeclareDead(null);
        Process = new SimProcess(world, this, Process.Incarnation + 1);
        foreach (var other in world.Silos)
            other.Process.HearOf(Process);
        Process.Start();
    }
}

/// <summary>One start of a silo: its worker, its view of the cluster, and whether it is alive, frozen, or believed dead.</summary>
public sealed class SimProcess : IClusterStanding
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private readonly SimWorld world;
    private readonly int[] missed;
    private readonly List<SimProcess> view = [];
    private TimeSpan activeAt;
    private TimeSpan lastRead;
    private TimeSpan? declaredDead;
    private SimProcess? declaredBy;

    public SimProcess(SimWorld world, SimSilo silo, long incarnation)
    {
        this.world = world;
        Silo = silo;
        Incarnation = incarnation;
        missed = new int[world.Plan.Silos];
        Worker = new SimWorker(world, this);
    }

    public SimSilo Silo { get; }
    public long Incarnation { get; }
    public SimWorker Worker { get; }
    public bool Dead { get; private set; }
    public TimeSpan FrozenUntil { get; private set; }
    public bool IsFrozen => world.Now < FrozenUntil;
    public bool IsDeclaredDead => declaredDead is not null;
    /// <summary>The queue activation that it believes in, per pool.</summary>
    public Dictionary<string, SimQueue> Believed { get; } = [];
    public bool SeesDatabase => world.DatabaseDownUntil <= world.Now && Silo.DatabaseCutUntil <= world.Now;

    public TimeSpan SinceActive => world.Plan.Bug switch
    {
        SimBug.StandingIgnored => TimeSpan.Zero,
        SimBug.SilenceTrusted when IsActive => TimeSpan.Zero,
        _ => world.Now - activeAt,
    };

    public bool IsActive => world.Plan.Bug == SimBug.StandingIgnored || world.Now - activeAt <= SimPlan.Lease.Membership;

    public bool IsDead(string worker)
    {
        foreach (var silo in world.Silos)
        {
            if (silo.Name == worker)
                return Knows(silo.Process);
        }

        return false;
    }

    public void Start()
    {
        activeAt = world.Now;
        Beat();
        Worker.Start();
    }

    /// <summary>Whatever this process does: not while it is frozen, and not after its end.</summary>
    public void Do(Action action)
    {
        if (Dead)
            return;
        if (IsFrozen)
            world.At(FrozenUntil - world.Now, () => Do(action));
        else
            action();
    }

    public void Freeze(TimeSpan length)
    {
        world.Tell($"{Silo.Name} is frozen for {length.TotalSeconds} s");
        FrozenUntil = world.Now + length;
    }

    /// <summary>The process ends, its builds with it, and a new start follows.</summary>
    public void Kill(TimeSpan restartAfter)
    {
        if (Dead)
            return;
        world.Tell($"{Silo.Name} ends");
        Dead = true;
        world.At(restartAfter, Silo.Restart);
    }

    /// <summary>Declared dead, long gone, or it answers: then a new silo may join.</summary>
    public bool MayBeJoinedBy(SimSilo joiner) =>
        IsDeclaredDead || Dead || (!IsFrozen && !Silo.IsCutTo(joiner) && !joiner.IsCutTo(Silo));

    /// <summary>A silo that joins introduces itself: without that, one that joined since our last reading could declare us dead unasked.</summary>
    public void HearOf(SimProcess joined)
    {
        if (!Dead)
            view.Add(joined);
    }

    public void DeclareDead(SimProcess? by)
    {
        if (declaredDead is not null)
            return;
        world.Tell($"{Silo.Name} is declared dead by {by?.Silo.Name}");
        declaredDead = world.Now;
        declaredBy = by;
    }

    /// <summary>Whether this process knows that another one was declared dead.</summary>
    public bool Knows(SimProcess other) => other.declaredDead is { } when && (when <= lastRead || other.declaredBy == this);

    private void Beat()
    {
        if (Dead)
            return;
        if (!IsFrozen)
            LookAround();
        world.At(Period, Beat);
    }

    private void LookAround()
    {
        // The reading fails now and then although other calls get through.
        if (!SeesDatabase || (!world.Calm && world.Hits(world.Plan.Loss)))
        {
            if (EverybodySeesUs())
                activeAt = world.Now;
            return;
        }

        lastRead = world.Now;
        if (declaredDead is not null)
        {
            Kill(world.Upto(4));
            return;
        }

        activeAt = world.Now;
        view.Clear();
        for (var number = 0; number < world.Silos.Length; number++)
        {
            var other = world.Silos[number].Process;
            view.Add(other);
            missed[number] = other == this || Answers(other) ? 0 : missed[number] + 1;
            if (missed[number] >= world.Plan.Misses && !other.IsDeclaredDead)
            {
                other.DeclareDead(this);
                missed[number] = 0;
            }
        }
    }

    private bool EverybodySeesUs()
    {
        foreach (var other in view)
        {
            if (other != this && !Knows(other) && (!Answers(other) || other.Knows(this)))
                return false;
        }

        return view.Count > 0;
    }

    private bool Answers(SimProcess other) => !other.Dead && !other.IsFrozen && !Silo.IsCutTo(other.Silo) && !other.Silo.IsCutTo(Silo);
}

/// <summary>Where the queue of a pool is: at most one activation on silos that are not declared dead, and whoever has not heard of that still believes in the one before.</summary>
public sealed class SimDirectory(SimWorld world)
{
    private readonly Dictionary<string, SimQueue> current = [];
    private int activations;

    public SimQueue? Current(string pool) => current.GetValueOrDefault(pool);

    /// <summary>The activation that a process would call; null if it finds no place for one.</summary>
    public SimQueue? Find(SimProcess from, string pool)
    {
        if (from.Believed.TryGetValue(pool, out var believed) && !from.Knows(believed.Process))
            return believed;
        if (!current.TryGetValue(pool, out var known) || known.Process.IsDeclaredDead)
        {
            var host = world.Silos[world.Chance.Next(world.Silos.Length)].Process;
            if (host.Dead || host.IsFrozen || host.IsDeclaredDead || from.Dead || (host != from && from.Silo.IsCutTo(host.Silo)))
                return null;
            current[pool] = known = new SimQueue(world, host, pool, ++activations);
            known.Start();
        }

        return from.Believed[pool] = known;
    }
}
