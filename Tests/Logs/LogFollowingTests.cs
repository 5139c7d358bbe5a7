using System.Text;
using Builds.Execution;
using Builds.Jobs;

namespace Builds.Tests.Logs;

public sealed class LogFollowingTests(RunningServer running) : IClassFixture<RunningServer>
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_follower_gets_each_byte_when_it_is_shown_and_the_end_when_the_task_has_ended()
    {
        var job = await running.Submit();
        var build = await running.Server.Executor!.Build(job);
        // Also before the task has begun.
        await using var follower = await Follower.Start(running, $"/logs/{job}/a/log?follow=true");

        await build.Recorder.TaskStarted(0, default);
        await build.Recorder.TaskOutput("one"u8.ToArray(), default);
        (await follower.Next(3)).ShouldBe("one");
        await build.Recorder.TaskOutput("two"u8.ToArray(), default);
        (await follower.Next(3)).ShouldBe("two");
        await build.Recorder.TaskEnded(0, BuildTaskStatus.Success, default);

        (await follower.Rest()).ShouldBe("");
    }

    [Fact]
    public async Task A_follower_of_the_setup_log_stays_until_the_job_ends_and_can_begin_anywhere()
    {
        var job = await running.Submit();
        var build = await running.Server.Executor!.Build(job);
        await build.Recorder.SetupOutput("0123456789\n"u8.ToArray(), default);
        await running.Visible(job, null, 11);
        await using var follower = await Follower.Start(running, $"/logs/{job}/log?follow=true&offset=8");

        (await follower.Next(3)).ShouldBe("89\n");
        build.End(await build.RunAllTasks());

        (await follower.Rest()).ShouldEndWith("Build complete: success\n");
    }

    [Fact]
    public async Task A_follower_goes_on_with_the_next_attempt()
    {
        var job = await running.Submit();
        var first = await running.Server.Executor!.Build(job);
        await first.Recorder.TaskStarted(0, default);
        await first.Recorder.TaskOutput("one\n"u8.ToArray(), default);
        await using var follower = await Follower.Start(running, $"/logs/{job}/a/log?follow=true");
        (await follower.Next(4)).ShouldBe("one\n");

        await running.Server.Grains.GetGrain<IJobGrain>(job.Value).WorkerLost(1, "the test says so");
        var second = await running.Server.Executor.Build(job, attempt: 2);
        second.End(await second.RunAllTasks());

        (await follower.Rest()).ShouldBe($"[#{job}] Attempt 1 ends here: the test says so. Attempt 2 follows.\na\n");
    }

    [Fact]
    public async Task Following_a_task_that_never_begins_ends_with_the_job()
    {
        var job = await running.Submit();
        var build = await running.Server.Executor!.Build(job);
        await using var follower = await Follower.Start(running, $"/logs/{job}/b/log?follow=true");

        build.End(new BuildOutcome.Failed(FailReason.Setup, "no"));

        (await follower.Rest()).ShouldBe("");
    }

    [Fact]
    public async Task A_follower_that_leaves_disturbs_nobody()
    {
        var job = await running.Submit();
        var build = await running.Server.Executor!.Build(job);
        await using (await Follower.Start(running, $"/logs/{job}/a/log?follow=true"))
        {
        }

        build.End(await build.RunAllTasks());

        (await running.Ended(job)).ShouldContain("\"status\":\"success\"");
    }

    [Fact]
    public async Task A_silo_that_stops_breaks_off_so_that_the_follower_knows_to_come_back()
    {
        var alone = new RunningServer();
        await alone.InitializeAsync();
        var job = await alone.Submit();
        await alone.Server.Executor!.Build(job);
        await using var follower = await Follower.Start(alone, $"/logs/{job}/a/log?follow=true");

        await alone.DisposeAsync().WaitAsync(Bound);

        await Should.ThrowAsync<IOException>(follower.Rest());
    }

    private sealed class Follower(HttpClient client, Stream stream) : IAsyncDisposable
    {
        public static async Task<Follower> Start(RunningServer running, string path)
        {
            var client = running.Server.CreateClient(null);
            return new Follower(client, await client.GetStreamAsync(new Uri(path, UriKind.Relative)).WaitAsync(Bound));
        }

        public async Task<string> Next(int bytes)
        {
            using var bound = new CancellationTokenSource(Bound);
            var buffer = new byte[bytes];
            await stream.ReadExactlyAsync(buffer, bound.Token);
            return Encoding.UTF8.GetString(buffer);
        }

        public async Task<string> Rest()
        {
            using var bound = new CancellationTokenSource(Bound);
            using var reader = new StreamReader(stream, leaveOpen: true);
            return await reader.ReadToEndAsync(bound.Token);
        }

        public async ValueTask DisposeAsync()
        {
            await stream.DisposeAsync();
            client.Dispose();
        }
    }
}
