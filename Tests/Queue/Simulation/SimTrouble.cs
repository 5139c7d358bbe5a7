using Builds.Jobs;
using Builds.Queue;

namespace Builds.Tests.Queue.Simulation;

/// <summary>What people and machines do to the cluster, at times drawn by chance.</summary>
internal static class SimTrouble
{
    /// <summary>In seconds: none of it begins later, and all is over when the trouble is.</summary>
    private const double Latest = 22;

    private static readonly JobSubmission[] Owned = [.. Enumerable.Range(0, 4).Select(number => Some.Submission($"o{number}"))];

    public static void Schedule(SimWorld world)
    {
        var plan = world.Plan;
        for (var number = 0; number < plan.Jobs; number++)
            world.SubmitAt(world.Upto(world.Hits(70) ? 8 : SimPlan.TroubleEnds.TotalSeconds), () => Submit(world, world.Chance.Next(plan.Owners)));
        // In peace too, so that the time until they run can be watched.
        for (var number = 0; number < 4; number++)
            world.SubmitAt(SimPlan.SettledFrom + world.Upto(6), () => Submit(world, 3));
        for (var number = 0; number < plan.Trouble; number++)
            world.At(world.Upto(Latest), () => Happen(world));
    }

    private static void Submit(SimWorld world, int owner)
    {
        var pool = world.Plan.Pools == 2 && world.Hits(50) ? "p1" : Placement.DefaultPool;
        world.Jobs.Submit(
            Owned[owner] with
            {
                Pool = pool,
                Priority = world.Hits(20) ? world.Chance.Next(Placement.LowestPriority, Placement.HighestPriority + 1) : 0,
                Labels = pool == Placement.DefaultPool && world.Hits(20) ? ["x"] : [],
            },
            world.Hits(70) ? "a" : "b");
    }

    private static void Happen(SimWorld world)
    {
        var silo = world.Silos[world.Chance.Next(world.Silos.Length)];
        var host = world.Directory.Current(Placement.DefaultPool)?.Process ?? silo.Process;
        var length = world.Upto(Math.Min(world.Hits(30) ? 30 : 10, (SimPlan.TroubleEnds - world.Now).TotalSeconds));
        switch (world.Chance.Next(12))
        {
            case 0:
                silo.Process.Freeze(length);
                break;
            case 1:
                silo.Process.Kill(world.Upto(8));
                break;
            case 2:
                silo.Process.Worker.Drain(world.Upto(3));
                break;
            case 3:
                host.Freeze(length);
                break;
            case 4:
                host.Kill(world.Upto(8));
                break;
            case 5:
                world.Tell($"the database is down");
                world.DatabaseDownUntil = world.Now + length;
                break;
            case 6:
                world.Tell($"{silo.Name} does not reach the database");
                silo.DatabaseCutUntil = world.Now + length;
                break;
            case 7:
                Cut(world, host.Silo, world.Chance.Next(3), length);
                break;
            case 8:
                Cut(world, silo, world.Chance.Next(3), length);
                break;
            case 9:
                Cut(world, host.Silo, 0, length);
                world.At(world.Upto(4), () => host.Silo.DatabaseCutUntil = world.Now < SimPlan.TroubleEnds ? world.Now + world.Upto(2) : default);
                break;
            default:
                if (world.Jobs.All.Count > 0)
                    world.Jobs.Cancel(new JobId(1 + world.Chance.Next(world.Jobs.All.Count)));
                break;
        }
    }

    private static void Cut(SimWorld world, SimSilo silo, int way, TimeSpan length)
    {
        world.Tell($"{silo.Name} is cut off from the other silos: {(way == 0 ? "both ways" : way == 1 ? "nothing comes out" : "nothing comes in")}");
        if (way != 2)
            silo.OutCutUntil = world.Now + length;
        if (way != 1)
            silo.InCutUntil = world.Now + length;
        // The database is beyond the same line, or is not.
        if (world.Hits(50))
            silo.DatabaseCutUntil = world.Now + length;
    }
}
