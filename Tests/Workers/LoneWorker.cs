using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Reflection;
using System.Threading.Channels;
using Builds.Execution;
using Builds.Jobs;
using Builds.Logs;
using Builds.Queue;
using Builds.Secrets;
using Builds.Users;
using Builds.Workers;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Builds.Tests.Workers;

/// <summary>
/// The real worker, host and agent, between a queue that the test plays and jobs that grant every claim. Both clocks stand still until
/// the test moves them.
/// </summary>
internal sealed class LoneWorker : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly Channel<Beat> beats = Channel.CreateUnbounded<Beat>();
    private readonly ConcurrentQueue<Beat> unanswered = [];
    private readonly WatchedExecutor executor = new();
    private readonly SteppedBootClock boot;
    private readonly WorkerHost host;
    private volatile bool leaving;

    private LoneWorker(TimeProvider? time, LeaseOptions leaseOptions)
    {
        var clock = time ?? Clock;
        boot = new SteppedBootClock(clock);
        var grains = Proxy.Of<IGrainFactory>((method, _) => method.GetGenericArguments().Single() == typeof(IQueueGrain)
            ? Proxy.Of<IQueueGrain>((_, arguments) => Hear((Heartbeat)arguments[0]!))
            : Proxy.Of<IJobGrain>(Job));
        var logs = new FakeLogStore();
        var lease = Options.Create(leaseOptions);
        var options = Options.Create(new WorkerOptions { Slots = 2 });
        var runner = new AttemptRunner(
            grains,
            executor,
            new AttemptRecorderFactory(logs, logs, Options.Create(new LogOptions()), clock),
            new AttemptSecrets(new FakeStorage(), new FakeVault(), clock, NullLogger<AttemptSecrets>.Instance),
            new BuildTokens(grains, Options.Create(new JobOptions()), clock, NullLogger<BuildTokens>.Instance),
            (_, job) => $"http://builds.test/{job}",
            Options.Create(new JobOptions()),
            options,
            lease,
            clock,
            NullLogger<AttemptRunner>.Instance);
        Agent = new WorkerAgent(new WorkerIdentity("worker", 1), runner, options, lease, boot, clock, NullLogger<WorkerAgent>.Instance);
        host = new WorkerHost(Agent, executor, grains, boot, clock, options, lease, NullLogger<WorkerHost>.Instance);
    }

    public FakeTimeProvider Clock { get; } = new(Some.Time);

    /// <summary>Told of each heartbeat on the thread that sends it, before anybody can wait for it.</summary>
    public Action<Beat> OnBeat { get; set; } = static _ => { };

    public WorkerAgent Agent { get; }

    /// <param name="time">The time that it goes by instead of <see cref="Clock"/>.</param>
    public static async Task<LoneWorker> Start(TimeProvider? time = null, LeaseOptions? lease = null)
    {
        var worker = new LoneWorker(time, lease ?? new LeaseOptions());
        await worker.host.StartAsync(default);
        return worker;
    }

    /// <summary>The next heartbeat that the worker sends.</summary>
    public async Task<Beat> NextBeat() => await beats.Reader.ReadAsync().AsTask().WaitAsync(Bound);

    /// <summary>The lease end that the sandboxes were told next, since boot.</summary>
    public async Task<TimeSpan> NextRenewal() => await executor.Renewals.Reader.ReadAsync().AsTask().WaitAsync(Bound);

    /// <summary>Gives the worker a job; answers when its build runs.</summary>
    public Task<FakeBuild> Build(int job)
    {
        Agent.Take(new JobId(job), $"d{job}").Answer.ShouldBe(RunAnswer.Accepted);
        return executor.Inner.Build(new JobId(job));
    }

    /// <summary>Time goes on while no timer of the worker fires: the machine slept, or the process was stopped.</summary>
    public void Freeze(TimeSpan length) => boot.Ahead += length;

    public async ValueTask DisposeAsync()
    {
        leaving = true;
        foreach (var beat in unanswered)
            beat.Answer(renewed: true);
        host.HandBackNow();
        await host.StopAsync(default).WaitAsync(Bound);
        host.Dispose();
    }

    private Task<HeartbeatAnswer> Hear(Heartbeat heartbeat)
    {
        var beat = new Beat(heartbeat);
        unanswered.Enqueue(beat);
        OnBeat(beat);
        beats.Writer.TryWrite(beat);
        if (leaving)
            beat.Answer(renewed: true);
        return beat.Answered;
    }

    private static object Job(MethodInfo method, object?[] arguments) => method.Name switch
    {
        nameof(IJobGrain.Claim) => Task.FromResult<ClaimResult>(new ClaimResult.Granted(Claimed((JobClaim)arguments[0]!))),
        nameof(IJobGrain.Report) => Task.FromResult(ReportResult.Heard),
        _ => throw new NotSupportedException($"a worker does not call {method.Name} of a job"),
    };

    private static JobSnapshot Claimed(JobClaim claim)
    {
        const string Manifest = "image: held\ntasks:\n- a: 'true'\n";
        var id = new JobId(int.Parse(claim.DispatchId.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture));
        var queued = JobDecisions.Submit(id, Some.Submission(manifest: Manifest), "held", ["a"], Some.Time);
        return JobDecisions.Claim(queued, claim, Some.Time).Job.ToSnapshot();
    }

    /// <summary>A heartbeat that waits for its answer.</summary>
    internal sealed class Beat(Heartbeat sent)
    {
        private readonly TaskCompletionSource<HeartbeatAnswer> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Heartbeat Sent => sent;

        internal Task<HeartbeatAnswer> Answered => answer.Task;

        public void Answer(bool renewed, params ImmutableArray<StopOrder> stop) => answer.TrySetResult(new HeartbeatAnswer(renewed, stop));

        public void Lose() => answer.TrySetException(new TimeoutException("the test said that this answer is lost"));
    }

    private sealed class SteppedBootClock(TimeProvider clock) : IBootClock
    {
        private readonly long start = clock.GetTimestamp();

        public TimeSpan Ahead { get; set; }

        public TimeSpan Now => clock.GetElapsedTime(start) + Ahead;
    }

    private sealed class WatchedExecutor : IBuildExecutor
    {
        public FakeExecutor Inner { get; } = new();

        public Channel<TimeSpan> Renewals { get; } = Channel.CreateUnbounded<TimeSpan>();

        public ImmutableArray<string> Images => Inner.Images;

        public Task<BuildOutcome> Run(BuildPlan plan, IBuildRecorder recorder, CancellationToken stop, CancellationToken kill) => Inner.Run(plan, recorder, stop, kill);

        public void Renew(TimeSpan leaseEnd) => Renewals.Writer.TryWrite(leaseEnd);
    }
}

/// <summary>An interface whose every call goes to one function.</summary>
public class Proxy : DispatchProxy
{
    private Func<MethodInfo, object?[], object?> answer = null!;

    public static T Of<T>(Func<MethodInfo, object?[], object?> answer)
        where T : class
    {
        var made = Create<T, Proxy>();
        ((Proxy)(object)made).answer = answer;
        return made;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => answer(targetMethod!, args ?? []);
}
