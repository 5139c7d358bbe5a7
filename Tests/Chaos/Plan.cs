using Builds.Tests.Silos;

namespace Builds.Tests.Chaos;

/// <summary>Faults that begin together, last so long, and are healed together; then so much peace.</summary>
internal sealed record Trouble(IReadOnlyList<Fault> Faults, int LastsMilliseconds, int PeaceMilliseconds)
{
    public override string ToString() => $"{string.Join(" and ", Faults)} for {LastsMilliseconds / 1000.0:0.0} s, then {PeaceMilliseconds / 1000.0:0.0} s of peace";
}

/// <summary>What happens to one cluster. The seed decides everything but the moments at which threads run.</summary>
internal sealed record Plan(int Seed, IReadOnlyList<Trouble> Troubles)
{
    public const int Members = 3;

    /// <summary>Longer than the lease of five seconds and its margin, and sometimes than it takes to be given up for dead.</summary>
    private const int Shortest = 1_000, Longest = 18_000;

    private const int Kinds = 14;

    public static Plan Of(int seed, bool hasShim = true)
    {
        var random = new Random(seed);
        var troubles = new List<Trouble>();
        for (var number = random.Next(2, 4); number > 0; number--)
        {
            // By turns, so that seeds that follow each other visit every kind.
            var first = troubles.Count == 0 ? seed % Kinds : random.Next(Kinds);
            var faults = new List<Fault> { Draw(first, seed, random, hasShim) };
            if (random.Next(3) == 0 && Draw(random.Next(Kinds), seed, random, hasShim) is var second && !Clash(faults[0], second))
                faults.Add(second);
            troubles.Add(new Trouble(faults, random.Next(Shortest, Longest), random.Next(500, 4_000)));
        }

        return new Plan(seed, troubles);
    }

    private static Fault Draw(int kind, int seed, Random random, bool hasShim)
    {
        var member = random.Next(Members);
        var other = (member + random.Next(1, Members)) % Members;
        var points = KnownPoint.OfACluster;
        var point = points[(seed + random.Next(2) * random.Next(points.Count)) % points.Count];
        return kind switch
        {
            0 => new KillSilo(member),
            1 => new KillAtPoint(member, point.Name, random.Next(point.Most) + 1),
            2 => new FreezeSilo(member),
            3 => new LeaveSilo(member),
            4 => new DatabaseFault(DatabaseTrouble.Restart),
            5 => new DatabaseFault(DatabaseTrouble.Kill),
            6 => new DatabaseFault(DatabaseTrouble.Down),
            7 => new DatabaseFault(DatabaseTrouble.Freeze),
            8 => new DatabaseLink(member, DrawLink(random)),
            9 => new PeerLink(member, null, DrawLink(random)),
            10 => new PeerLink(member, other, DrawLink(random)),
            11 => new StoreAway(random.Next(2) == 0 ? null : member),
            12 when hasShim => new ClockStep(member, random.Next(5, 90) * (random.Next(2) == 0 ? 1 : -1)),
            13 when hasShim => new SlowDisk(member, random.Next(20, 400)),
            _ => new KillSilo(member),
        };
    }

    private static Link DrawLink(Random random) => random.Next(5) switch
    {
        0 => Link.Deaf,
        1 => Link.Mute,
        2 => Link.Reset,
        3 => Link.Slow(TimeSpan.FromMilliseconds(random.Next(20, 300))),
        _ => Link.Gone,
    };

    /// <summary>One would heal what the other one did.</summary>
    private static bool Clash(Fault one, Fault other) => one.Kind == other.Kind
        || (one is DatabaseFault && other is DatabaseFault)
        || (one is PeerLink && other is PeerLink)
        || (Victim(one) is { } victim && victim == Victim(other));

    private static int? Victim(Fault fault) => fault switch
    {
        KillSilo { Member: var member } => member,
        KillAtPoint { Member: var member } => member,
        FreezeSilo { Member: var member } => member,
        LeaveSilo { Member: var member } => member,
        ClockStep { Member: var member } => member,
        SlowDisk { Member: var member } => member,
        _ => null,
    };
}
