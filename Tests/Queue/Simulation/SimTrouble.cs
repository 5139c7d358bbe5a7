using Builds.Jobs;

namespace Builds.Tests.Queue.Simulation;

/// <summary>What people and machines do to the cluster, at times drawn by chance.</summary>
internal static class SimTrouble
{
    public static void Schedule(SimWorld world)
    {
        var plan = world.Plan;
        for (var number = 0; number < plan.Jobs; number++)
            world.At(world.Upto(SimWorld.TroubleEnds.TotalSeconds), () => world.Jobs.Submit($"o{world.Chance.Next(plan.Owners)}", world.Hits(70) ? "a" : "b"));
        // In peace too, so that the time until they run can be watched.
        for (var number = 0; number < 6; number++)
            world.At(SimWorld.TroubleEnds + TimeSpan.FromSeconds(20) + world.Upto(30), () => world.Jobs.Submit("late", "a"));
        for (var number = 0; number < plan.Trouble; number++)
            world.At(world.Upto(SimWorld.TroubleEnds.TotalSeconds - 15), () => Happen(world));
    }

    private static void Happen(SimWorld world)
    {
        var worker = world.Workers[world.Chance.Next(world.Workers.Count)];
        switch (world.Chance.Next(6))
        {
            case 0:
                worker.Freeze(world.Upto(14));
                break;
            case 1:
                worker.Kill(world.Upto(8));
                break;
            case 2:
                worker.Drain(world.Upto(3));
                break;
            case 3:
                ReplaceQueue(world);
                break;
            default:
                if (world.Jobs.All.Count > 0)
                    world.Jobs.Cancel(new JobId(1 + world.Chance.Next(world.Jobs.All.Count)));
                break;
        }
    }

    /// <summary>
    /// Either the queue's silo dies, or it only seems to: then the old activation goes on for a while, and each worker learns of the new one
    /// at a time of its own.
    /// </summary>
    private static void ReplaceQueue(SimWorld world)
    {
        var before = world.Queue;
        world.Tell($"q{before.Activation} is replaced");
        world.Queue = new SimQueue(world, before.Activation + 1);
        world.Queue.Start();
        if (world.Hits(50))
        {
            before.Die();
            return;
        }

        foreach (var worker in world.Workers)
        {
            worker.Believed = before;
            world.At(world.Upto(SimWorld.Lease.Membership.TotalSeconds), () => worker.Believed = null);
        }

        world.At(SimWorld.Lease.Membership, before.Die);
    }
}
