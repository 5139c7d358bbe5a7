using Builds.Artifacts;
using Builds.Execution;
using Builds.Jobs;
using Builds.Logs;
using Builds.Queue;
using Builds.Secrets;
using Builds.Space;
using Builds.Storage;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Orleans.Configuration;
using Orleans.Storage;
using Orleans.TestingHost;

namespace Builds.Tests;

/// <summary>
/// The grains and one worker in memory: no process, no disk, no port. Grains, leases and timers follow <see cref="Clock"/>, which moves only
/// when the test moves it; hand-overs follow hints and need no time at all.
/// </summary>
public sealed class BuildsTestCluster : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly InProcessTestCluster host;
    private readonly Parts parts;

    private BuildsTestCluster(InProcessTestCluster host, Parts parts) => (this.host, this.parts) = (host, parts);

    public FakeExecutor Executor => parts.Executor;
    public TestClock Clock => parts.Clock;
    public FakeStorage Storage => parts.Storage;
    public FakeLogStore Logs => parts.Logs;
    public FakeCalls Calls => parts.Calls;
    public FakeVault Vault => parts.Vault;
    public FakeDiskSpace Disks => parts.Disks;
    public IGrainFactory Grains => host.Client;
    public IQueueGrain Queue => Grains.GetGrain<IQueueGrain>(IQueueGrain.DefaultPool);

    /// <summary>A service of the silo.</summary>
    public T Service<T>() where T : notnull => host.Silos[0].ServiceProvider.GetRequiredService<T>();

    /// <param name="slots">Of the worker; 0: nothing runs.</param>
    /// <param name="storage">What an earlier cluster left behind.</param>
    /// <param name="incarnation">Of the worker; a restart has a higher one.</param>
    /// <param name="withWorker">False: no worker at all; the test plays it.</param>
    public static async Task<BuildsTestCluster> Start(
        int slots = 2, FakeStorage? storage = null, FakeLogStore? logs = null, long incarnation = 1, bool withWorker = true, Action<IServiceCollection>? configure = null)
    {
        var fakes = new Parts(new FakeExecutor(), new TestClock(Some.Time), storage ?? new FakeStorage(), logs ?? new FakeLogStore(), new FakeCalls(), new FakeVault(), new FakeDiskSpace());
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) =>
        {
            var services = silo.Services;
            services.AddSingleton<TimeProvider>(fakes.Clock);
            services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
            services.AddBuildsGrains(silo.Configuration);
            services.Configure<WorkerOptions>(options => options.Slots = slots);
            services.AddKeyedSingleton<IGrainStorage>(StorageNames.Provider, fakes.Storage);
            services.AddSingleton<ICatalogue>(fakes.Storage);
            services.AddSingleton<ISecretCatalogue>(fakes.Storage);
            services.AddSingleton<ISecretVault>(fakes.Vault);
            services.AddSingleton<ILogStore>(fakes.Logs);
            services.AddSingleton<IArtifactStore>(fakes.Logs);
            services.AddSingleton<IBuildExecutor>(fakes.Executor);
            silo.AddIncomingGrainCallFilter(fakes.Calls);
            services.AddSingleton<IBootClock>(new FakeBootClock(fakes.Clock));
            services.AddSingleton<IDiskSpace>(fakes.Disks);
            services.AddBuildsSpaceWatch();
            services.AddSingleton(new WorkerIdentity("worker", incarnation));
            // The worker grain is found by the name of its silo.
            services.PostConfigure<SiloOptions>(options => options.SiloName = "worker");
            services.AddSingleton<JobAddress>((owner, job) => $"http://builds.test/~{owner}/job/{job}");
            if (withWorker)
                services.AddBuildsWorker();
            else
                services.AddSingleton<WorkerHost>();
            configure?.Invoke(services);
        });
        var started = builder.Build();
        await Within(started.DeployAsync(), "the silo starts");
        return new BuildsTestCluster(started, fakes);
    }

    /// <summary>Forgets what the grain has in memory, as if its silo had gone; the next call reads it from storage again.</summary>
    public Task Deactivate(IAddressable grain) => Within(host.DeactivateAsync(grain), $"{grain.GetGrainId()} is deactivated");

    public IJobGrain Job(JobId id) => Grains.GetGrain<IJobGrain>(id.Value);

    /// <summary>Submits a job; by default two tasks that succeed.</summary>
    public async Task<JobSnapshot> Submit(string manifest = Some.Manifest, string owner = "mia", bool execute = true, bool secrets = false)
    {
        var id = await Grains.GetGrain<IJobIdGrain>(0).Next();
        return await Job(id).Submit(Some.Submission(owner, manifest) with { Execute = execute, Secrets = secrets });
    }

    /// <summary>A job that ended well and left an artifact, without a worker.</summary>
    public async Task<JobId> Ended(string owner = "mia")
    {
        var job = (await Submit(owner: owner)).Id;
        await Job(job).Claim(new JobClaim("worker", 1, $"d{job}"));
        (await Job(job).Report(new AttemptReport
        {
            Attempt = 1,
            Sequence = 1,
            Tasks = [BuildTaskStatus.Success, BuildTaskStatus.Success],
            Artifacts = [new Artifact(1, "out/a", "a", "0123456789abcdef", 1, new string('0', 64), Some.Time)],
            End = new AttemptEnd.Succeeded(),
        })).ShouldBe(ReportResult.Heard);
        return job;
    }

    /// <summary>The job as soon as it has this status; fails with what it saw when that does not come.</summary>
    public Task<JobSnapshot> WaitFor(JobId id, JobStatus status) => WaitFor(id, job => job.Status == status, status.Word());

    public async Task<JobSnapshot> WaitFor(JobId id, Func<JobSnapshot, bool> wanted, string what)
    {
        JobSnapshot? seen = null;
        using var bound = new CancellationTokenSource(Bound);
        while (!bound.IsCancellationRequested)
        {
            seen = await Job(id).Get();
            if (seen is not null && wanted(seen))
                return seen;
            // The fake clock does not end this wait: a change does, or the real bound.
            try
            {
                await Job(id).WaitForChange(seen?.Revision ?? 0, TimeSpan.FromSeconds(20), bound.Token);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        throw new TimeoutException($"job {id} was to become: {what}; it is: {seen}");
    }

    /// <summary>
    /// Moves the clock in steps until something holds, at most by <paramref name="atMost"/> (a minute); what that set off may then
    /// take real time, up to a bound.
    /// </summary>
    public async Task AdvanceUntil(Func<Task<bool>> holds, string what, TimeSpan? atMost = null)
    {
        var end = Clock.GetUtcNow() + (atMost ?? TimeSpan.FromMinutes(1));
        using var bound = new CancellationTokenSource(Bound);
        while (!await holds())
        {
            if (bound.IsCancellationRequested)
                throw new TimeoutException($"did not come about by {Clock.GetUtcNow():T}: {what}; {Seen()}");
            if (Clock.GetUtcNow() < end)
                Clock.Advance(TimeSpan.FromMilliseconds(100));
            await Settle();
        }
    }

    /// <summary>
    /// Lets what a step set off run before the next one: fake seconds pass faster than a call travels, and neither must a lease end
    /// because the test hurries, nor the time be over before a call has failed that is to be repeated.
    /// </summary>
    private async Task Settle()
    {
        var agent = Service<WorkerAgent>();
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        do
        {
            await Queue.Snapshot();
        }
        while (!bound.IsCancellationRequested && (Calls.UnderWay.Length > 0 || LeaseIsShort()));

        bool LeaseIsShort() => Calls.HeartbeatsArrive && agent.LeaseLeft < TimeSpan.FromSeconds(3.5) && agent.LeaseLeft > TimeSpan.Zero;
    }

    private string Seen() =>
        $"lease left: {Service<WorkerAgent>().LeaseLeft}; builds: {Executor.Running}; calls under way: {string.Join(", ", Calls.UnderWay)}";

    public async ValueTask DisposeAsync()
    {
        // The drain's grace would be fake time, which stands still.
        Service<WorkerHost>().HandBackNow();
        await Stopped(host.StopAllSilosAsync());
        await Within(host.DisposeAsync().AsTask(), "what is left of the silo is disposed of");
    }

    // Real time: whatever waits for the fake clock here waits for ever, and would take the whole run with it.
    private static async Task Within(Task task, string what)
    {
        try
        {
            await task.WaitAsync(Bound);
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException($"did not come about within {Bound.TotalSeconds} s: {what}", error);
        }
    }

    // What waits for fake time when a test ends early would wait for ever: the clock goes on if the silo does not stop by itself.
    private async Task Stopped(Task stop)
    {
        await Task.WhenAny(stop, Task.Delay(TimeSpan.FromSeconds(2)));
        using var bound = new CancellationTokenSource(Bound);
        while (!stop.IsCompleted && !bound.IsCancellationRequested)
        {
            Clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.WhenAny(stop, Task.Delay(TimeSpan.FromMilliseconds(10)));
        }

        await Within(stop, "the silo stops");
    }

    private sealed record Parts(FakeExecutor Executor, TestClock Clock, FakeStorage Storage, FakeLogStore Logs, FakeCalls Calls, FakeVault Vault, FakeDiskSpace Disks);

    private sealed class FakeBootClock(FakeTimeProvider clock) : IBootClock
    {
        private readonly long start = clock.GetTimestamp();

        public TimeSpan Now => clock.GetElapsedTime(start);
    }
}
