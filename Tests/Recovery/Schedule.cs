using Builds.Tests.Silos;

namespace Builds.Tests.Recovery;

/// <summary>One kill.</summary>
internal abstract record Kill
{
    private Kill() { }

    /// <summary>When so many answers and pieces of logs have come in, and a moment later.</summary>
    public sealed record UnderLoad(int Events, int Milliseconds) : Kill;

    /// <summary>Somewhere in its start; 1 is how long the start before it took.</summary>
    public sealed record WhileStarting(double Share) : Kill;

    /// <summary>Where the code is at a point for the nth time; it stands still there for the milliseconds before.</summary>
    public sealed record AtPoint(KnownPoint Point, int Time, int Milliseconds) : Kill
    {
        /// <summary>For <see cref="KillSwitch"/>.</summary>
        public string ToVariable() => $"{Point.Name}:{Time}:{Milliseconds}";

        public override string ToString() => $"at {Point.Name} for the {Time}. time, after {Milliseconds} ms";
    }
}

/// <summary>One start of a silo, and how it ends.</summary>
/// <param name="Settle">True: before the next start, all that the dead silo ran must be gone by itself; false: the next start comes at once.</param>
internal sealed record Round(int Number, int Seed, Kill Kill, bool Settle)
{
    public override string ToString() => $"round {Number}: kill {Kill}{(Settle ? ", then wait for its builds to end" : ", then start at once")}";
}

/// <summary>Rounds on one data directory, one after another; in the end everything must come to an end.</summary>
internal sealed record Chain(int Number, bool Bubblewrap, IReadOnlyList<Round> Rounds)
{
    private const int Longest = 6;

    /// <summary>The plan of a whole run. A seed gives the same plan each time; every point is visited before any is visited again.</summary>
    public static IReadOnlyList<Chain> Plan(int rounds, int seed, bool bubblewrapWorks)
    {
        var random = new Random(seed);
        var chains = new List<Chain>();
        var current = new List<Round>();
        var points = new Queue<KnownPoint>();
        for (var number = 1; number <= rounds; number++)
        {
            Kill kill;
            // By turns at a named point and at a moment that has no name.
            if (number % 2 == 1)
            {
                if (points.Count == 0)
                    points = new(random.GetItemsOnce(KnownPoint.OfOneSilo));
                var point = points.Dequeue();
                if (point.Occasion == Occasion.FirstStart)
                    Cut();
                kill = new Kill.AtPoint(point, random.Next(point.Most) + 1, random.Next(2) * 200);
            }
            else
            {
                kill = random.Next(4) == 0 ? new Kill.WhileStarting(Math.Round(random.NextDouble() * 1.2, 2)) : new Kill.UnderLoad(random.Next(1, 120), random.Next(40));
            }

            current.Add(new Round(number, random.Next(), kill, random.Next(2) == 0));
            if (current.Count == Longest)
                Cut();
        }

        Cut();
        return chains;

        void Cut()
        {
            if (current.Count > 0)
                chains.Add(new Chain(chains.Count + 1, bubblewrapWorks && random.Next(3) > 0, current));
            current = [];
        }
    }
}

internal static class RandomItems
{
    public static T[] GetItemsOnce<T>(this Random random, IReadOnlyList<T> items)
    {
        var shuffled = items.ToArray();
        random.Shuffle(shuffled);
        return shuffled;
    }
}
