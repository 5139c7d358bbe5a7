using System.Text;
using Builds.Jobs;
using Builds.Logs;
using Builds.Manifests;
using Builds.Support;

namespace Builds.Execution;

/// <summary>How builds end, with both drivers.</summary>
public sealed class OutcomeTests
{
    public static TheoryData<ExecutionDriver> Drivers => [ExecutionDriver.Bubblewrap, ExecutionDriver.Process];

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task Artifacts_are_kept_byte_for_byte(ExecutionDriver driver)
    {
        var (recorder, outcome) = await Run(driver, ExecutorHarness.Manifest("mkdir -p out; seq 200000 > out/numbers; : > empty; ln -s out/numbers link")
            with
        { Artifacts = ["out/numbers", "/home/build/empty", "link"] });

        outcome.ShouldBeOfType<BuildOutcome.Succeeded>();
        var numbers = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(1, 200000).Select(i => $"{i}\n")));
        recorder.Artifacts["out/numbers"].SequenceEqual(numbers).ShouldBeTrue();
        recorder.Artifacts["link"].SequenceEqual(numbers).ShouldBeTrue();
        recorder.Artifacts["/home/build/empty"].ShouldBeEmpty();
    }

    [BubblewrapTheory]
    [InlineData("nothing", "there is no such file")]
    [InlineData("*", "there is no such file")]
    [InlineData("~/locked", "there is no such file")]
    [InlineData("/etc/passwd", "it names no file below the home directory /home/build")]
    [InlineData("../x", "it names no file below the home directory /home/build")]
    [InlineData(".", "it names no file below the home directory /home/build")]
    [InlineData(".tasks", "it is not a regular file")]
    [InlineData("pipe", "it is not a regular file")]
    [InlineData("loop", "its links lead in a circle")]
    [InlineData("locked", "the build may not read it")]
    [InlineData("secret", "the build may not read it")]
    public async Task An_artifact_that_cannot_be_read_fails_the_build(string path, string why)
    {
        var (recorder, outcome) = await Run(ExecutionDriver.Bubblewrap,
            ExecutorHarness.Manifest("mkfifo pipe; ln -s loop loop; touch locked; chmod 0 locked; ln -s /etc/shadow secret") with { Artifacts = [path] });

        outcome.ShouldBe(new BuildOutcome.Failed(FailReason.Artifact, $"Artifact {path} cannot be kept: {why}"));
        recorder.Statuses[0].ShouldBe(BuildTaskStatus.Success);
        recorder.Artifacts.ShouldBeEmpty();
    }

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task A_stopped_build_may_clean_up_and_then_ends_early(ExecutionDriver driver)
    {
        await using var harness = new ExecutorHarness(o => (o.Driver, o.Grace) = (driver, TimeSpan.FromMinutes(5)));
        using var stop = new CancellationTokenSource();
        var recorder = new FakeRecorder();
        var running = harness.Run(ExecutorHarness.Manifest("set +x\ntrap 'echo cleaning; exit 1' TERM\nsleep 1000 &\necho up\nwhile :; do wait; done"), recorder, stop: stop.Token);
        await recorder.Until(r => r.Log(0).EndsWith("up\n", StringComparison.Ordinal));

        await stop.CancelAsync();

        (await running.WaitAsync(TimeSpan.FromSeconds(30))).ShouldBeOfType<BuildOutcome.Stopped>();
        recorder.Log(0).ShouldContain("up\ncleaning\n");
        recorder.Statuses[0].ShouldBe(BuildTaskStatus.Failed);
    }

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task Stopped_before_it_began_a_build_runs_nothing(ExecutionDriver driver)
    {
        await using var harness = new ExecutorHarness(o => (o.Driver, o.Grace) = (driver, TimeSpan.FromMinutes(5)));
        var recorder = new FakeRecorder();

        var outcome = await harness.Run(ExecutorHarness.Manifest("true"), recorder, stop: new CancellationToken(canceled: true)).WaitAsync(TimeSpan.FromSeconds(30));

        outcome.ShouldBeOfType<BuildOutcome.Stopped>();
        recorder.Statuses.ShouldBeEmpty();
    }

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task A_build_whose_lease_is_not_renewed_is_stopped(ExecutionDriver driver)
    {
        await using var harness = new ExecutorHarness(o => o.Driver = driver, lease: TimeSpan.FromSeconds(1), renew: false);
        var recorder = new FakeRecorder();

        (await harness.Run(ExecutorHarness.Manifest("sleep 1000"), recorder)).ShouldBeOfType<BuildOutcome.Stopped>();
    }

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task Too_much_output_ends_the_build_with_reason_limit(ExecutionDriver driver)
    {
        await using var harness = new ExecutorHarness(o => o.Driver = driver);
        var recorder = new FakeRecorder();
        recorder.BeforeOutput = _ => recorder.Length(0) > 1_000_000 ? throw new LogLimitException("The log is full.") : ValueTask.CompletedTask;

        var outcome = await harness.Run(ExecutorHarness.Manifest("yes"), recorder);

        outcome.ShouldBe(new BuildOutcome.Failed(FailReason.Limit, "The log is full."));
        recorder.Statuses[0].ShouldBe(BuildTaskStatus.Failed);
    }

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task A_closed_attempt_ends_the_build(ExecutionDriver driver)
    {
        await using var harness = new ExecutorHarness(o => o.Driver = driver);
        var recorder = new FakeRecorder { BeforeOutput = static _ => throw new AttemptClosedException("Not yours any more.") };

        (await harness.Run(ExecutorHarness.Manifest("echo x; sleep 1000"), recorder)).ShouldBeOfType<BuildOutcome.Stopped>();
    }

    [BubblewrapFact]
    public async Task A_slow_reader_stops_the_writer_and_loses_nothing()
    {
        await using var harness = new ExecutorHarness(o => o.Driver = ExecutionDriver.Bubblewrap, lease: TimeSpan.FromSeconds(3));
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var recorder = new FakeRecorder();
        recorder.BeforeOutput = async _ => await release.Task;
        var running = harness.Run(ExecutorHarness.Manifest("set +x\nseq 500000"), recorder);
        await recorder.Until(r => r.Statuses.ContainsKey(0));

        release.SetResult();

        (await running).ShouldBeOfType<BuildOutcome.Succeeded>();
        recorder.Log(0).ShouldBe("+ set +x\n" + string.Concat(Enumerable.Range(1, 500000).Select(i => $"{i}\n")));
    }

    [BubblewrapFact]
    public async Task What_is_not_done_yet_is_said_or_refused()
    {
        var manifest = ExecutorHarness.Manifest("true") with
        {
            Arch = "riscv64",
            Repositories = [new("extra", "https://example.org")],
            Shell = true,
            OAuth = "git.sr.ht/PROFILE",
            Triggers = [new Trigger("email", "always", [])],
            Packages = ["make", "gcc"],
            Secrets = ["deploy-key"],
            Environment = [new("M", new EnvironmentValue.Map())],
            Sources = ["svn+https://x/y"],
        };
        await using var harness = new ExecutorHarness(o => o.Driver = ExecutionDriver.Bubblewrap);
        var recorder = new FakeRecorder();

        var outcome = await harness.Executor.Run(ExecutorHarness.Plan(manifest) with { Secrets = true }, recorder, default, default);

        outcome.ShouldBeOfType<BuildOutcome.Failed>().Reason.ShouldBe(FailReason.Setup);
        recorder.Setup.ShouldBe("""
            # Not done yet: arch: riscv64
            # packages: image host is the machine itself, where builds install nothing; install make, gcc, extra on it and take the key out of the manifest, or choose another image
            # environment: M is a map, which a shell cannot hold; use a text, a number, true or false, or a list of these
            # source 'svn+https://x/y' asks for a tool that is not known; git+ and hg+ are

            """);
    }

    [BubblewrapFact]
    public async Task An_image_that_is_not_offered_fails_the_build_and_names_those_that_are()
    {
        var (_, outcome) = await Run(ExecutionDriver.Bubblewrap, ExecutorHarness.Manifest("true") with { Image = "plan9" });

        outcome.ShouldBe(new BuildOutcome.Failed(FailReason.Setup, "Image plan9 is not offered here; on offer: host"));
    }

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task Builds_that_start_at_the_same_time_do_not_disturb_one_another(ExecutionDriver driver)
    {
        await using var harness = new ExecutorHarness(o => o.Driver = driver);

        // A script just written is "busy" for as long as a fork for another build holds its descriptor.
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(slot => Task.Run(async () =>
        {
            for (var round = 0; round < 24; round++)
            {
                var recorder = new FakeRecorder();
                var outcome = await harness.Run(ExecutorHarness.Manifest("true"), recorder, slot);
                if (outcome is not BuildOutcome.Succeeded) return recorder.Transcript(outcome);
            }
            return "";
        })));

        outcomes.ShouldAllBe(transcript => transcript == "");
    }

    [BubblewrapFact]
    public async Task A_source_that_cannot_be_cloned_fails_the_build_with_a_hint()
    {
        var (recorder, outcome) = await Run(ExecutionDriver.Bubblewrap, ExecutorHarness.Manifest("true") with { Sources = ["/nowhere/project.git"] });

        outcome.ShouldBe(new BuildOutcome.Failed(FailReason.Setup, "git for source /nowhere/project.git failed with exit status 128."));
        recorder.Setup.ShouldBe("""
            # Cloning /nowhere/project.git
            fatal: repository '/nowhere/project.git' does not exist
            # git for source /nowhere/project.git failed with exit status 128
            # Is the repository private? Its clone needs an SSH key among the secrets of the job: name it below secrets in the manifest

            """);
        recorder.Statuses.ShouldBeEmpty();
    }

    [BubblewrapFact]
    public async Task The_password_of_a_source_stands_neither_in_the_log_nor_in_the_reason()
    {
        // Nothing listens on port 1.
        var (recorder, outcome) = await Run(ExecutionDriver.Bubblewrap, ExecutorHarness.Manifest("true") with { Sources = ["http://mia:hunter2@127.0.0.1:1/project"] });

        outcome.ShouldBe(new BuildOutcome.Failed(FailReason.Setup, "git for source http://mia:***@127.0.0.1:1/project failed with exit status 128."));
        recorder.Setup.ShouldContain("# Cloning http://mia:***@127.0.0.1:1/project\n");
        recorder.Setup.ShouldNotContain("hunter2");
    }

    private static async Task<(FakeRecorder, BuildOutcome)> Run(ExecutionDriver driver, BuildManifest manifest)
    {
        await using var harness = new ExecutorHarness(o => o.Driver = driver);
        var recorder = new FakeRecorder();
        return (recorder, await harness.Run(manifest, recorder));
    }
}
