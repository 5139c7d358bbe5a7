using Builds.Queue;
using Builds.Workers;

namespace Builds.Tests.Queue.Simulation;

/// <summary>A bug put in on purpose, around the real code: the simulation must find each.</summary>
public enum SimBug
{
    None,
    /// <summary>Workers go on after their lease has ended.</summary>
    LeaseIgnored,
    /// <summary>The queue never reads the catalogue after its start: a lost hint is lost for ever.</summary>
    HintLostForEver,
    /// <summary>A job listens to every report, whatever its attempt.</summary>
    StaleReportAccepted,
    /// <summary>Giving up an attempt arrives twice, and the second time means whatever attempt runs then.</summary>
    RequeueTwice,
    /// <summary>A queue goes on although its silo no longer knows whether it belongs to the cluster.</summary>
    StandingIgnored,
    /// <summary>A queue takes silence that it cannot be sure of for the end of a lease.</summary>
    SilenceTrusted,
    /// <summary>A new queue does not wait out what the earlier one may have renewed.</summary>
    ActivationTrusted,
}

/// <summary>What is drawn for one run: all of it comes from the seed.</summary>
/// <param name="Loss">Of a hundred messages, how many are lost while the trouble lasts.</param>
/// <param name="Slow">Of a hundred messages, how many take up to <paramref name="Delay"/> milliseconds, so that they overtake each other.</param>
/// <param name="Trouble">How many things happen to silos, network, database and jobs.</param>
/// <param name="Misses">After so many questions without an answer, one a second, a silo is declared dead.</param>
/// <param name="NoHints">Not one hint arrives, also after the trouble.</param>
/// <param name="OwnerLimit">How many jobs of an owner run at a time; 0: any number.</param>
public sealed record SimPlan(int Seed, int Silos, int Slots, int Owners, int Jobs, int Pools, int Loss, int Slow, int Delay, int Trouble, int Misses, bool NoHints, int OwnerLimit, SimBug Bug)
{
    public static readonly TimeSpan TroubleEnds = TimeSpan.FromSeconds(36);

    /// <summary>What the trouble did is over too.</summary>
    public static readonly TimeSpan SettledFrom = TroubleEnds + TimeSpan.FromSeconds(25);

    /// <summary>By now every job must have ended.</summary>
    public static readonly TimeSpan End = TroubleEnds + TimeSpan.FromSeconds(150);

    public static readonly TimeSpan JobTimeout = TimeSpan.FromSeconds(60);

    public static LeaseOptions Lease { get; } = new();

    /// <summary>As if nobody else could have renewed anything before.</summary>
    public static LeaseOptions TrustingLease { get; } = new() { Membership = TimeSpan.Zero };

    public static QueueOptions Options(int ownerLimit) => new() { UnofferedImage = TimeSpan.FromSeconds(10), RunningPerOwner = ownerLimit };

    public static SimPlan Draw(int seed, SimBug bug = SimBug.None)
    {
        var chance = new Random(seed);
        return new SimPlan(
            seed,
            Silos: chance.Next(2, 5),
            Slots: chance.Next(1, 4),
            Owners: chance.Next(1, 4),
            Jobs: chance.Next(1, 17),
            Pools: chance.Next(5) == 0 ? 2 : 1,
            Loss: OneOf(0, 2, 10, 30),
            Slow: OneOf(0, 5, 30),
            Delay: OneOf(100, 1500, 8000),
            Trouble: chance.Next(0, 15),
            Misses: chance.Next(1, 4),
            NoHints: chance.Next(10) == 0,
            OwnerLimit: chance.Next(4) == 0 ? chance.Next(1, 4) : 0,
            bug);

        int OneOf(params ReadOnlySpan<int> choices) => choices[chance.Next(choices.Length)];
    }
}
