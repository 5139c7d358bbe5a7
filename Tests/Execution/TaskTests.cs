using Builds.Jobs;
using Builds.Support;

namespace Builds.Execution;

/// <summary>What a task sees, and what becomes of what it writes.</summary>
public sealed class TaskTests
{
    [BubblewrapFact]
    public async Task A_failing_task_fails_the_build_and_later_tasks_do_not_begin()
    {
        var (recorder, outcome) = await Run("echo one", "exit 3", "echo three");

        outcome.ShouldBe(new BuildOutcome.Failed(FailReason.Task, "Task task-1 failed with exit status 3."));
        recorder.Statuses.ShouldBe(new Dictionary<int, BuildTaskStatus> { [0] = BuildTaskStatus.Success, [1] = BuildTaskStatus.Failed }, ignoreOrder: true);
    }

    [BubblewrapFact]
    public async Task Standard_output_and_error_keep_the_order_in_which_they_were_written()
    {
        var (recorder, _) = await Run("set +x\nfor i in $(seq 5000); do echo out $i; echo err $i >&2; done\necho end > /dev/stdout");

        recorder.Log(0).ShouldEndWith("+ set +x\n" + string.Concat(Enumerable.Range(1, 5000).Select(i => $"out {i}\nerr {i}\n")) + "end\n");
    }

    [BubblewrapFact]
    public async Task A_daemon_of_one_task_serves_the_next_and_its_later_output_is_dropped()
    {
        var (recorder, outcome) = await Run(
            "set +x\nmkfifo in out\n(while read -r line < in; do echo daemon got $line; echo answer $line > out; done) &\necho started",
            "set +x\nfor i in 1 2 3; do echo $i > in; read -r answer < out; echo $answer; done");

        outcome.ShouldBeOfType<BuildOutcome.Succeeded>();
        recorder.Log(0).ShouldEndWith("started\n");
        recorder.Log(1).ShouldEndWith("answer 1\nanswer 2\nanswer 3\n");
    }

    [BubblewrapFact]
    public async Task A_task_starts_with_a_clean_environment_and_no_input()
    {
        var (recorder, _) = await Run("set +x\nenv -u _ | grep -v '^JOB_\\|^CI_\\|^SHLVL=' | sort\ncat\numask\nulimit -Sn\nls /proc/self/fd | wc -l\nwhoami");

        recorder.Log(0).ShouldEndWith("""
            HOME=/home/build
            LANG=C.UTF-8
            LOGNAME=build
            PATH=/run/builds/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
            PWD=/home/build
            SHELL=/bin/bash
            TERM=dumb
            USER=build
            0022
            1024
            4
            build

            """);
    }

    [BubblewrapFact]
    public async Task Sudo_says_in_one_line_that_it_is_not_there()
    {
        var (recorder, _) = await Run("sudo -n id");

        recorder.Log(0).ShouldEndWith("sudo: image host is this machine itself, where no build may become root; use an image with sudo.\n");
    }

    private static async Task<(FakeRecorder, BuildOutcome)> Run(params string[] scripts)
    {
        await using var harness = new ExecutorHarness(o => o.Driver = ExecutionDriver.Bubblewrap);
        var recorder = new FakeRecorder();
        return (recorder, await harness.Run(ExecutorHarness.Manifest(scripts), recorder));
    }
}
