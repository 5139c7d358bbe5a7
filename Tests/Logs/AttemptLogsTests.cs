using Builds.Execution;
using Builds.Jobs;
using Builds.Logs;
using Microsoft.Extensions.Time.Testing;

namespace Builds.Tests.Logs;

public sealed class AttemptLogsTests
{
    private static readonly JobId Job = new(7);

    private readonly FakeLogStore store = new();
    private readonly FakeTimeProvider clock = new(Some.Time);

    [Fact]
    public async Task The_runner_signs_each_of_its_lines()
    {
        await using var logs = Logs();

        await logs.Say("Cloning", default);
        await logs.SetupOutput("remote: hello\n"u8.ToArray(), default);
        await logs.Say("first\nsecond", default);
        await logs.Seal(default);

        store.Text(Job, 1, null).ShouldBe("""
            [#7] 2026/11/24 12:00:00 Cloning
            remote: hello
            [#7] 2026/11/24 12:00:00 first
            [#7] 2026/11/24 12:00:00 second

            """);
    }

    [Fact]
    public async Task Each_task_has_its_log_which_exists_from_its_start_and_is_sealed_at_its_end()
    {
        await using var logs = Logs();

        await logs.StartTask("a", default);
        (await store.Find(Job, 1, "a", default)).ShouldBe(new LogState(0, Sealed: false));
        await logs.TaskOutput("hi\n"u8.ToArray(), default);
        await logs.EndTask(default);

        (await store.Find(Job, 1, "a", default)).ShouldBe(new LogState(3, Sealed: true));
        (await store.Find(Job, 1, "b", default)).ShouldBeNull();
    }

    [Fact]
    public async Task What_setup_said_can_be_read_when_a_task_begins()
    {
        await using var logs = Logs();
        await logs.Say("Running task a", default);

        await logs.StartTask("a", default);

        store.Text(Job, 1, null).ShouldBe("[#7] 2026/11/24 12:00:00 Running task a\n");
    }

    [Fact]
    public async Task Output_beyond_the_limit_is_refused_and_the_runner_can_still_say_why()
    {
        await using var logs = Logs(limit: 2000, earlier: 500);
        await logs.SetupOutput(new byte[1000], default);
        await logs.StartTask("a", default);

        var refusal = await Should.ThrowAsync<LogLimitException>(async () => await logs.TaskOutput(new byte[501], default));
        await logs.Say("too much", default);
        await logs.Seal(default);

        refusal.Message.ShouldBe("the logs of the job have more than 2000 bytes, the limit for one job");
        (await store.Find(Job, 1, "a", default)).ShouldBe(new LogState(500, Sealed: true));
        store.Text(Job, 1, null).ShouldEndWith("too much\n");
        await Should.NotThrowAsync(async () => await logs.DisposeAsync());
    }

    [Fact]
    public async Task After_the_attempt_was_given_up_nothing_is_taken()
    {
        await using var logs = Logs();
        await logs.Say("begun", default);
        await store.Close(Job, 1, default);

        await Should.ThrowAsync<AttemptClosedException>(async () => await logs.StartTask("a", default));
        await Should.ThrowAsync<AttemptClosedException>(async () => await logs.Seal(default));
    }

    [Fact]
    public async Task Secrets_are_in_no_log_and_no_reason_however_output_is_cut()
    {
        await using var logs = Logs();
        await logs.Say("before hunter22 is known", default);
        logs.Hide(SecretMask.Of(["hunter22"u8.ToArray(), "one\ntwo"u8.ToArray()]));

        await logs.Say("cloning https://hunter22@example.org one\ntwo", default);
        await logs.SetupOutput("fatal: hunt"u8.ToArray(), default);
        await logs.SetupOutput("er22 is wrong, hunt"u8.ToArray(), default);
        await logs.StartTask("a", default);
        store.Text(Job, 1, null).ShouldEndWith("fatal: *** is wrong, hunt", customMessage: "what setup said can be read when a task begins");
        foreach (var one in "echo hunter2hunter22\nhun"u8.ToArray())
            await logs.TaskOutput(new[] { one }, default);
        await logs.EndTask(default);
        await logs.Say("", default);
        await logs.Seal(default);

        store.Text(Job, 1, "a").ShouldBe("echo hunter2***\nhun");
        store.Text(Job, 1, null).ShouldBe("""
            [#7] 2026/11/24 12:00:00 before hunter22 is known
            [#7] 2026/11/24 12:00:00 cloning https://***@example.org ***
            fatal: *** is wrong, hunt[#7] 2026/11/24 12:00:00 

            """);
        logs.Mask("exit 1: hunter22").ShouldBe("exit 1: ***");
    }

    [Fact]
    public async Task Secrets_are_named_once_and_before_any_command_runs()
    {
        await using var logs = Logs();
        logs.Hide(SecretMask.Of(["hunter22"u8.ToArray()]));
        Should.Throw<InvalidOperationException>(() => logs.Hide(SecretMask.None)).Message.ShouldBe("job 7: what is secret must be known before any command runs, once");

        await using var running = Logs(attempt: 2);
        await running.StartTask("a", default);
        Should.Throw<InvalidOperationException>(() => running.Hide(SecretMask.None));
    }

    private AttemptLogs Logs(long limit = 1 << 30, long earlier = 0, int attempt = 1) => new(store, Job, attempt, new LogOptions { MaxJobBytes = limit }, clock, earlier);
}
