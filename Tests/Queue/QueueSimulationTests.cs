using Builds.Tests.Queue.Simulation;
using CsCheck;

namespace Builds.Tests.Queue;

/// <summary>
/// Never two live attempts of a job, no job forgotten, no slot left idle, order within an owner: whatever is lost, late, repeated, frozen,
/// killed or replaced. A failure prints its plan; the same plan gives the same run.
/// </summary>
public sealed class QueueSimulationTests
{
    private static readonly Gen<SimPlan> Plans =
        from seed in Gen.Int[0, int.MaxValue - 1]
        from workers in Gen.Int[1, 4]
        from slots in Gen.Int[1, 3]
        from owners in Gen.Int[1, 3]
        from jobs in Gen.Int[1, 25]
        from loss in OneOf(0, 2, 10, 30)
        from slow in OneOf(0, 5, 30)
        from delay in OneOf(100, 1500, 8000)
        from trouble in Gen.Int[0, 12]
        select new SimPlan(seed, workers, slots, owners, jobs, loss, slow, delay, trouble);

    private static Gen<int> OneOf(params int[] choices) => Gen.Int[0, choices.Length - 1].Select(index => choices[index]);

    [Fact]
    public void Whatever_goes_wrong_no_job_runs_twice_at_a_time_and_all_end() => Plans.Sample(plan => new SimWorld(plan).Run(), iter: Rounds.Of(400));
}
