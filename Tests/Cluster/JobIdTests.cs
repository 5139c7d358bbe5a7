using Builds.Jobs;

namespace Builds.Tests.Cluster;

public sealed class JobIdTests
{
    /// <summary>More than any block, so that several are reserved.</summary>
    private const int Many = 450;

    [Fact]
    public async Task No_id_is_given_twice_whatever_storage_does_and_however_often_the_grain_is_lost()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var grain = cluster.Grains.GetGrain<IJobIdGrain>(IJobIdGrain.Jobs);
        var given = new List<int>();
        var failed = 0;

        for (var round = 0; given.Count < Many; round++)
        {
            if (round % 5 == 1)
                cluster.Storage.FailNextWrite();
            if (round % 5 == 3)
                cluster.Storage.LoseNextAnswer();
            // Several at once, so that some wait in line behind a reservation whose outcome is unknown.
            foreach (var call in Enumerable.Range(0, 30).Select(_ => grain.Next()).ToList())
            {
                try
                {
                    given.Add((await call).Value);
                }
                catch (Orleans.Runtime.OrleansException)
                {
                    failed++;
                }
            }

            if (round % 7 == 6)
                await cluster.Deactivate(grain);
        }

        given.Distinct().Count().ShouldBe(given.Count);
        failed.ShouldBeGreaterThan(0, "or nothing of this was tried");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_a_reservation_that_failed_or_whose_outcome_is_unknown_the_next_id_is_higher_than_all_before(bool written)
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var grain = cluster.Grains.GetGrain<IJobIdGrain>(IJobIdGrain.Jobs);
        var last = (await grain.Next()).Value;
        await cluster.Deactivate(grain);
        if (written)
            cluster.Storage.LoseNextAnswer();
        else
            cluster.Storage.FailNextWrite();

        await Should.ThrowAsync<Exception>(grain.Next());

        (await grain.Next()).Value.ShouldBeGreaterThan(last);
    }
}
