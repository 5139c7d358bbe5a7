using Builds.Space;
using Builds.Support;
using Builds.Tests;

namespace Builds.Execution.Parking;

/// <summary>Which environments are parked, for how long, and what shells in them can and cannot do.</summary>
public sealed class ParkingTests
{
    private readonly TestClock _clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    [BubblewrapFact]
    public async Task The_oldest_without_a_shell_makes_room_and_where_all_have_one_nothing_is_parked()
    {
        await using var harness = Parked.Harness(clock: _clock);
        var lot = harness.Service<ParkingLot>();
        var first = await Parked.Park(harness, job: 1);
        var second = await Parked.Park(harness, job: 2, "true", shell: true);
        var one = first.Open();

        var third = await Parked.Park(harness, job: 3);

        second.EndedWhy.ShouldBe("another one took its place");
        lot.All.ShouldBe([first, third]);
        third.Build.Why.ShouldBe("failed (task)");
        var other = third.Open();
        (await Parked.Run(harness, job: 4, "true", shell: true)).Setup.ShouldEndWith("# shell: the environment is not kept: there is a shell open in each of those that are parked\n");
        (await Parked.Run(harness, job: 5, "false")).Setup.ShouldEndWith("exit status 1\n");
        lot.All.ShouldBe([first, third]);
        (await one.Do("exit 0")).End.ShouldBe(new ShellNews.Ended(0));
        await first.Gone.WaitAsync(Parked.Bound);
        other.HangUp();
        await third.Gone.WaitAsync(Parked.Bound);
        lot.All.ShouldBeEmpty();
        await Parked.NothingLeft(harness);
    }

    [BubblewrapFact]
    public async Task Time_ends_it_ten_minutes_after_the_build_and_two_hours_after_the_first_shell()
    {
        await using var harness = Parked.Harness(clock: _clock);
        var alone = await Parked.Park(harness, job: 1);
        var opened = await Parked.Park(harness, job: 2);
        alone.Until.ShouldBe(_clock.GetUtcNow().AddMinutes(10));

        _clock.Advance(TimeSpan.FromMinutes(9));
        var shell = opened.Open();
        _clock.Advance(TimeSpan.FromMinutes(1));

        await alone.Gone.WaitAsync(Parked.Bound);
        alone.EndedWhy.ShouldBe("its time of 10 minutes is over");
        opened.EndedWhy.ShouldBeNull();
        opened.Until.ShouldBe(_clock.GetUtcNow().AddMinutes(119));
        // A second one does not begin the time anew.
        _clock.Advance(TimeSpan.FromMinutes(118));
        var late = opened.Open();
        _clock.Advance(TimeSpan.FromMinutes(1));
        (await shell.Rest()).End.ShouldBe(new ShellNews.Lost("the environment has ended: its time of 120 minutes with a shell is over"));
        (await late.Rest()).End.ShouldBeOfType<ShellNews.Lost>();
        await opened.Gone.WaitAsync(Parked.Bound);
        await Parked.NothingLeft(harness);
    }

    [BubblewrapFact]
    public async Task Where_the_disk_fills_up_what_nobody_has_opened_goes_and_nothing_more_is_parked()
    {
        var disks = new FakeDiskSpace();
        await using var harness = Parked.Harness(clock: _clock, disks: disks);
        var closed = await Parked.Park(harness, job: 1);
        var opened = await Parked.Park(harness, job: 2);
        opened.Open();

        disks.DataFree = 3 * FakeDiskSpace.Gigabyte;
        _clock.Advance(SpaceWatch.Interval);

        await closed.Gone.WaitAsync(Parked.Bound);
        closed.EndedWhy.ShouldBe("the disk has too little room left");
        (await Parked.Run(harness, job: 3, "true", shell: true)).Setup.ShouldEndWith("# shell: the environment is not kept: the disk has too little room left\n");
        harness.Service<ParkingLot>().All.ShouldBe([opened]);
    }

    [BubblewrapFact]
    public async Task A_shell_that_prints_without_end_to_nobody_holds_up_no_one_and_no_memory()
    {
        await using var harness = Parked.Harness();
        var parked = await Parked.Park(harness, job: 1);
        var flood = parked.Open();
        flood.Write("trap 'echo hung up >~/heard; exit' HUP; yes\n"u8).ShouldBeTrue();
        var read = 0;
        await using var news = flood.News.GetAsyncEnumerator();
        while (read < ParkedShell.Window)
        {
            (await news.MoveNextAsync().AsTask().WaitAsync(Parked.Bound)).ShouldBeTrue();
            if (news.Current is ShellNews.Output(var bytes)) read += bytes.Length;
        }

        // Others are heard, input that a shell does not read is taken no further than there is room, and the lease goes on.
        var full = parked.Open();
        full.Write("exec sleep 1000\n"u8).ShouldBeTrue();
        var sent = 0;
        while (full.Write(new byte[1000])) sent += 1000;
        sent.ShouldBeLessThan(4 * Sandbox.GuardShells.InputRoom);
        (await parked.Open().Do("echo heard")).ShouldBe(("heard\n", new ShellNews.Ended(0)));
        read.ShouldBe(ParkedShell.Window);

        flood.HangUp();
        while (await news.MoveNextAsync().AsTask().WaitAsync(Parked.Bound) && news.Current is not ShellNews.Ended(129)) { }
        (await parked.Open().Do("until [ -e heard ]; do :; done; cat heard")).ShouldBe(("hung up\n", new ShellNews.Ended(0)));
        full.HangUp();
        await parked.Gone.WaitAsync(Parked.Bound);
        parked.EndedWhy.ShouldBe("its last shell has ended");
    }

    [BubblewrapFact]
    public async Task Processes_that_wake_each_other_all_the_time_are_stopped_or_killed()
    {
        var token = Guid.NewGuid().ToString("N");
        await using var harness = Parked.Harness();
        var parked = await Parked.Park(harness, job: 1, $"echo text >log; for i in 1 2; do env TREE={token} perl -e 'open(F, \">$i\"); while (1) {{ kill \"CONT\", -1 }}' & done; until [ -e 1 -a -e 2 ]; do :; done; false".Replace("$i", "'$i'", StringComparison.Ordinal));
        using var bound = new CancellationTokenSource(Parked.Bound);
        using var renewing = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        // More often than the worker does, so that patience comes to its end.
        var (leases, stopped) = (0, Parked.AllStopped(token));
        for (; !stopped.IsCompleted || leases < 40; leases++)
        {
            harness.Executor.Renew(BootClock.Now + TimeSpan.FromSeconds(5));
            await renewing.WaitForNextTickAsync(bound.Token);
        }

        await Parked.AllStopped(token);
        (await parked.Open().Do("cat log")).ShouldBe(("text\n", new ShellNews.Ended(0)));
    }

    [BubblewrapFact]
    public async Task What_was_cancelled_lost_or_cannot_be_stopped_is_not_parked()
    {
        await using var harness = Parked.Harness();
        var lot = harness.Service<ParkingLot>();
        foreach (var kills in new[] { false, true })
        {
            using var end = new CancellationTokenSource();
            var recorder = new FakeRecorder();
            var running = harness.Run(ExecutorHarness.Manifest("echo up; sleep 1000"), recorder, stop: kills ? default : end.Token, kill: kills ? end.Token : default);
            await recorder.Until(r => r.Log(0).Contains("\nup\n", StringComparison.Ordinal));
            await end.CancelAsync();
            (await running).ShouldBeOfType<BuildOutcome.Stopped>();
        }
        // Over as a build, and then given up before anybody heard of it.
        using (var kill = new CancellationTokenSource())
        {
            (await harness.Run(ExecutorHarness.Manifest("false"), new FakeRecorder(), kill: kill.Token)).ShouldBeOfType<BuildOutcome.Failed>();
            var parked = lot.All.ShouldHaveSingleItem();
            await kill.CancelAsync();
            await parked.Gone.WaitAsync(Parked.Bound);
        }
        await using var plain = Parked.Harness(options => options.Driver = ExecutionDriver.Process);
        (await Parked.Run(plain, job: 1, "true", shell: true)).Setup.ShouldEndWith("# shell: the environment is not kept: driver process has nothing around it in which all of it could be stopped\n");
        lot.All.ShouldBeEmpty();
        plain.Service<ParkingLot>().All.ShouldBeEmpty();
    }

    [BubblewrapFact]
    public async Task The_end_of_the_silo_and_of_the_lease_end_what_is_parked()
    {
        var token = Guid.NewGuid().ToString("N");
        var script = Parked.Failing(token);
        await using (var harness = new ExecutorHarness(options => options.Parked = 2, lease: TimeSpan.FromSeconds(3), renew: false))
        {
            var parked = await Parked.Park(harness, job: 1, script);
            await parked.Gone.WaitAsync(Parked.Bound);
            parked.EndedWhy.ShouldBe("its sandbox has ended");
            HostileTree.Alive(token).ShouldBeEmpty();
        }
        ParkedEnvironment last;
        await using (var harness = Parked.Harness())
        {
            last = await Parked.Park(harness, job: 2, script);
            HostileTree.Alive(token).ShouldNotBeEmpty();
        }
        HostileTree.Alive(token).ShouldBeEmpty();
        last.EndedWhy.ShouldBe("the silo stops");
    }
}
