using Builds.Jobs;
using Builds.Support;

namespace Builds.Execution;

/// <summary>Output that is large, odd or late, and what the setup log says of how tasks end; with both drivers.</summary>
public sealed class OutputTests
{
    public static TheoryData<ExecutionDriver> Drivers => [ExecutionDriver.Bubblewrap, ExecutionDriver.Process];

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task A_flood_is_kept_whole(ExecutionDriver driver)
    {
        const int Lines = 5_000_000;

        var (recorder, outcome) = await Run(driver, $"set +x\nyes | head -n {Lines}");

        outcome.ShouldBeOfType<BuildOutcome.Succeeded>();
        var log = recorder.Bytes(0).AsSpan("+ set +x\n".Length);
        log.Length.ShouldBe(Lines * 2);
        log.Count((byte)'y').ShouldBe(Lines);
        log.Count((byte)'\n').ShouldBe(Lines);
    }

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task Bytes_that_are_no_text_stay_as_they_are(ExecutionDriver driver)
    {
        var (recorder, _) = await Run(driver, """
            { set +x; } 2>/dev/null
            for i in $(seq 0 255); do printf "\\x$(printf %02x $i)"; done
            """);

        recorder.Bytes(0).ShouldBe(Enumerable.Range(0, 256).Select(i => (byte)i));
    }

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task The_last_line_needs_no_line_end_and_gets_none(ExecutionDriver driver)
    {
        var (recorder, _) = await Run(driver, "{ set +x; } 2>/dev/null\nprintf end", "{ set +x; } 2>/dev/null");

        recorder.Log(0).ShouldBe("end");
        recorder.Log(1).ShouldBeEmpty();
    }

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task A_task_ends_when_its_script_does_though_its_children_hold_the_output_and_flood_it(ExecutionDriver driver)
    {
        var (recorder, outcome) = await Run(driver,
            "{ set +x; } 2>/dev/null\necho mine; sleep 1000 & yes flood &\necho $! > ~/flood",
            "{ set +x; } 2>/dev/null\nkill -0 $(cat ~/flood) && echo it lives, and is not heard");

        outcome.ShouldBeOfType<BuildOutcome.Succeeded>();
        recorder.Log(0).ShouldStartWith("mine\n");
        recorder.Log(1).ShouldBe("it lives, and is not heard\n");
    }

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task A_task_that_closes_its_output_goes_on_until_its_script_ends(ExecutionDriver driver)
    {
        var (recorder, outcome) = await Run(driver,
            "{ set +x; } 2>/dev/null\necho before\nexec >&- 2>&-\nsleep 0.2\ntouch ~/after",
            "{ set +x; } 2>/dev/null\nls ~/after > /dev/null; exec >&- 2>&-; exit 5");

        outcome.ShouldBe(new BuildOutcome.Failed(FailReason.Task, "Task task-1 failed with exit status 5."));
        recorder.Log(0).ShouldBe("before\n");
        recorder.Setup.ShouldEndWith("# Running task task-0\n# Running task task-1\n# Task task-1 failed with exit status 5\n");
    }

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task A_task_that_a_signal_ends_is_told_so(ExecutionDriver driver)
    {
        var (recorder, outcome) = await Run(driver, "echo last words; kill -SEGV $$");

        outcome.ShouldBe(new BuildOutcome.Failed(FailReason.Task, "Task task-0 was ended by signal 11."));
        recorder.Log(0).ShouldContain("\nlast words\n");
        recorder.Setup.ShouldEndWith("# Task task-0 was ended by signal 11\n");
        recorder.Statuses[0].ShouldBe(BuildTaskStatus.Failed);
    }

    private static async Task<(FakeRecorder, BuildOutcome)> Run(ExecutionDriver driver, params string[] scripts)
    {
        await using var harness = new ExecutorHarness(o => o.Driver = driver);
        var recorder = new FakeRecorder();
        return (recorder, await harness.Run(ExecutorHarness.Manifest(scripts), recorder));
    }
}
