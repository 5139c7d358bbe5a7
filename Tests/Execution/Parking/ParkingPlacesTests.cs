using Builds.Execution.Places;
using Builds.Execution.Sandbox;
using Builds.Support;

namespace Builds.Execution.Parking;

/// <summary>What holds for parked environments wherever builds run.</summary>
public sealed class ParkingPlacesTests
{
    public static TheoryData<Place> All => [.. Enum.GetValues<Place>()];

    /// <summary>
    /// Besides a process that counts: some that fork all the time, and one of root. Nothing of it ends by itself.
    /// </summary>
    private static string Busy(Place place, string token) => $$"""
        { set +x; } 2>/dev/null
        echo text >log
        T={{token}}; busy() { env TREE=$T "$@" >/dev/null 2>&1 & }
        busy sh -c 'while :; do echo x >>count; done'
        busy sh -c 'chain() { sleep 0.02; ( chain & ); }; chain'
        {{(place is Place.DebianBubblewrap or Place.DebianPodman ? "busy sudo env TREE=$T sh -c 'while :; do echo x >>root; sleep 0.01; done'" : "")}}
        until [ -s count ]; do sleep 0.01; done
        exit 3
        """;

    [PlacesTheory, MemberData(nameof(All))]
    public async Task A_failed_build_is_stopped_in_no_slot_until_somebody_opens_a_shell_and_is_gone_with_the_last_one(Place place)
    {
        var images = await TestImages.Shared();
        var token = Guid.NewGuid().ToString("N");
        await using var harness = Parked.Harness(options => options.Images = images.Directory);

        var (setup, environment) = await Parked.Run(harness, job: 7, Busy(place, token), place: place);

        var parked = environment.ShouldNotBeNull(setup);
        setup.ShouldEndWith($"# This environment is kept for 10 minutes. On the machine of worker {Environment.MachineName}: builds shell 7 --data {harness.Data}\n");
        parked.Build.Why.ShouldBe("failed (task)");
        (await Parked.AllStopped(token)).ShouldBeGreaterThan(1);
        // Another build has the slot, and nobody clears away what is parked.
        await harness.Service<BuildExecutor>().Sweep();
        (await harness.Executor.Run(ExecutorHarness.Plan(ExecutorHarness.Manifest("test ! -e log") with { Image = TestImages.NameOf(place) }, slot: 0, job: 8), new FakeRecorder(), default, default))
            .ShouldBeOfType<BuildOutcome.Succeeded>();
        (await Parked.AllStopped(token)).ShouldBeGreaterThan(1);

        var first = parked.Open();
        var second = parked.Open(new TerminalSize(33, 101));
        var (typed, end) = await second.Do("stty -echo; echo; echo terminal $(tty) $(stty size); exec sh -c 'kill -9 $$'");
        end.ShouldBe(new ShellNews.Ended(137));
        typed.Replace("\r", "", StringComparison.Ordinal).ShouldContain("\nterminal /dev/pts/0 33 101\n");
        var (printed, last) = await first.Do("cat log; pwd; id -un; echo \"$WORD $JOB_ID\"; tty; before=$(wc -c <count); until [ $(wc -c <count) -gt $before ]; do :; done; ls /proc/self/fd | tr '\\n' ' '; exit 7");
        printed.ShouldBe("text\n/home/build\nbuild\nit's 7\nnot a tty\n0 1 2 3 ");
        last.ShouldBe(new ShellNews.Ended(7));
        await parked.Gone.WaitAsync(Parked.Bound);

        await HostileTree.Gone(token, harness.Service<GuardProgram>().Mark, Parked.Bound);
        await Parked.NothingLeft(harness);
        parked.Open(null, null).ShouldBe((null, "its last shell has ended"));
    }
}
