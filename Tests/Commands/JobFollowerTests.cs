using System.Text;
using Builds.Commands.Following;

namespace Builds.Tests;

/// <summary>What <c>builds run</c> and <c>builds log -f</c> print, whatever moments of a job they happen to see.</summary>
public sealed class JobFollowerTests
{
    [Fact]
    public async Task A_task_after_one_that_failed_is_not_announced_also_where_the_job_has_not_ended_yet()
    {
        (await Follow(
            State("running", "running", "pending"),
            State("running", "failed", "pending"),
            State("failed", "failed", "pending"))).ShouldBe("""
            == setup
            setup's log
            == task 1/2: first
            first's log
            -- failed, 0.0 s
            == job 1: failed (task), 0.0 s

            """);
    }

    [Fact]
    public async Task A_task_is_announced_once_after_the_end_of_the_one_before_it()
    {
        (await Follow(
            State("running", "running", "pending"),
            State("running", "success", "pending"),
            State("running", "success", "running"),
            State("success", "success", "success"))).ShouldBe("""
            == setup
            setup's log
            == task 1/2: first
            first's log
            -- success, 0.0 s
            == task 2/2: second
            second's log
            -- success, 0.0 s
            == job 1: success, 0.0 s

            """);
    }

    private static FollowedState State(string job, string first, string second) =>
        new(1, job, job == "failed" ? "task" : null, Detail: null, Attempt: 1, [new("first", first), new("second", second)]);

    private static async Task<string> Follow(params FollowedState[] seen)
    {
        using var output = new MemoryStream();
        var clock = new TestClock(Some.Time);
        using (var view = new FollowView(clock, output, isTerminal: false))
            await new JobFollower(new ScriptedJob(seen), view, clock).Follow(toEnd: true, default);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    /// <summary>A job of which each look sees the next moment. A log is there, in one line, once its task has begun.</summary>
    private sealed class ScriptedJob(FollowedState[] moments) : IFollowedJob
    {
        private readonly FollowedState first = moments[0];
        private int looks = -1;

        public TimeSpan Pause => TimeSpan.Zero;

        // The first look only asks whether it is over.
        public Task<FollowedState> Get(CancellationToken cancellationToken) => Task.FromResult(looks++ < 0 ? first : moments[looks - 1]);

        public Task<bool> HasLog(FollowedState job, int log, CancellationToken cancellationToken) => Task.FromResult(log == IFollowedJob.Setup || !job.Tasks[log].IsPending);

        public async Task<long> Copy(FollowedState job, int log, long offset, Stream output, CancellationToken cancellationToken)
        {
            if (offset > 0 || !await HasLog(job, log, cancellationToken))
                return 0;
            var line = Encoding.UTF8.GetBytes($"{(log == IFollowedJob.Setup ? "setup" : job.Tasks[log].Name)}'s log\n");
            await output.WriteAsync(line, cancellationToken);
            return line.Length;
        }
    }
}
