using System.Collections.Concurrent;
using System.Collections.Immutable;
using Builds.Execution;
using Builds.Jobs;

namespace Builds.Tests;

/// <summary>
/// An executor without processes. Each build does what <see cref="Script"/> says, by default: every task succeeds at once. A build whose
/// manifest names the image <c>held</c> waits until the test ends it.
/// </summary>
public sealed class FakeExecutor : IBuildExecutor
{
    private readonly ConcurrentDictionary<(JobId, int), TaskCompletionSource<FakeBuild>> builds = [];
    private long leaseEnd;
    private int running;

    public ImmutableArray<string> Images { get; set; } = ["host", "held"];

    /// <summary>What a build does; may be replaced before the job is submitted.</summary>
    public Func<FakeBuild, Task<BuildOutcome>> Script { get; set; } = build => build.RunAllTasks();

    /// <summary>The lease that was fed last, since boot.</summary>
    public TimeSpan LeaseEnd => TimeSpan.FromTicks(Interlocked.Read(ref leaseEnd));

    /// <summary>How many builds run now.</summary>
    public int Running => running;

    /// <summary>Every plan that was run, in order of start.</summary>
    public ConcurrentQueue<BuildPlan> Plans { get; } = [];

    /// <summary>The build of this attempt, as soon as it has begun.</summary>
    public Task<FakeBuild> Build(JobId job, int attempt = 1) => Source(job, attempt).Task.WaitAsync(TimeSpan.FromSeconds(30));

    public async Task<BuildOutcome> Run(BuildPlan plan, IBuildRecorder recorder, CancellationToken stop, CancellationToken kill)
    {
        Interlocked.Increment(ref running);
        try
        {
            Plans.Enqueue(plan);
            var build = new FakeBuild(plan, recorder, stop, kill);
            Source(plan.Job, plan.Attempt).TrySetResult(build);
            return plan.Manifest.Image == "held" ? await build.Ended : await Script(build);
        }
        finally
        {
            Interlocked.Decrement(ref running);
        }
    }

    public void Renew(TimeSpan leaseEnd) => Interlocked.Exchange(ref this.leaseEnd, leaseEnd.Ticks);

    private TaskCompletionSource<FakeBuild> Source(JobId job, int attempt) =>
        builds.GetOrAdd((job, attempt), _ => new TaskCompletionSource<FakeBuild>(TaskCreationOptions.RunContinuationsAsynchronously));
}

/// <summary>A build under the test's control.</summary>
public sealed class FakeBuild
{
    private readonly TaskCompletionSource<BuildOutcome> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal FakeBuild(BuildPlan plan, IBuildRecorder recorder, CancellationToken stop, CancellationToken kill)
    {
        (Plan, Recorder, Stop, Kill) = (plan, recorder, stop, kill);
        stop.Register(() => ended.TrySetResult(new BuildOutcome.Stopped()));
        kill.Register(() => ended.TrySetResult(new BuildOutcome.Stopped()));
    }

    public BuildPlan Plan { get; }
    public IBuildRecorder Recorder { get; }
    public CancellationToken Stop { get; }
    public CancellationToken Kill { get; }

    /// <summary>Completes when the test ends the build, or when it is stopped or killed.</summary>
    public Task<BuildOutcome> Ended => ended.Task;

    /// <summary>Ends a held build.</summary>
    public void End(BuildOutcome outcome) => ended.TrySetResult(outcome);

    /// <summary>Every task writes its name and succeeds.</summary>
    public async Task<BuildOutcome> RunAllTasks()
    {
        for (var index = 0; index < Plan.Manifest.Tasks.Length; index++)
            await RunTask(index, BuildTaskStatus.Success);
        return new BuildOutcome.Succeeded();
    }

    public async Task RunTask(int index, BuildTaskStatus status)
    {
        await Recorder.TaskStarted(index, Kill);
        await Recorder.TaskOutput(System.Text.Encoding.UTF8.GetBytes(Plan.Manifest.Tasks[index].Name + "\n"), Kill);
        await Recorder.TaskEnded(index, status, Kill);
    }
}
