using Builds.Support;
using Builds.Workers;

namespace Builds.Tests.Workers;

/// <summary>The lease of a silo that has hardly a thread or a processor to spare.</summary>
public sealed class StarvedTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Heartbeats_and_the_end_of_the_lease_need_no_thread_of_the_pool()
    {
        await using var program = TestProgram.Start(null, "starved", "worker");

        (await program.Line()).ShouldBe("beats");
        (await program.Line()).ShouldBe("ended");
    }

    [Fact]
    public async Task A_silo_keeps_its_lease_while_threads_wait_for_the_disk_and_builds_want_every_processor()
    {
        await using var program = TestProgram.Start(null, "starved", "silo", "8", "48", "4");

        var said = await program.ToEnd();
        said.ShouldContain("kept: ");
        said.ShouldContain("all builds go on");
    }

    [Fact]
    public async Task A_timer_fires_when_it_is_due_and_again_each_period_until_it_is_disposed_of()
    {
        using var fired = new SemaphoreSlim(0);
        var threads = new System.Collections.Concurrent.ConcurrentBag<bool>();
        await using var timer = ThreadTime.Of(TimeProvider.System).CreateTimer(_ =>
        {
            threads.Add(Thread.CurrentThread.IsThreadPoolThread);
            fired.Release();
        }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        fired.CurrentCount.ShouldBe(0);

        timer.Change(TimeSpan.Zero, TimeSpan.FromMilliseconds(1)).ShouldBeTrue();
        for (var i = 0; i < 3; i++)
            (await fired.WaitAsync(Bound)).ShouldBeTrue();
        await timer.DisposeAsync();

        threads.ShouldAllBe(isOfPool => !isOfPool);
        timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan).ShouldBeFalse();
    }

    [Fact]
    public void A_clock_that_somebody_plays_stays_in_their_hands()
    {
        var played = new TestClock(Some.Time);

        ThreadTime.Of(played).ShouldBeSameAs(played);
    }
}
