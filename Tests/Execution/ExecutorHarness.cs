using Builds.Images;
using Builds.Jobs;
using Builds.Manifests;
using Builds.Space;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Execution;

/// <summary>The real executor on a data directory of its own, with a lease that is renewed as long as the harness lives.</summary>
internal sealed class ExecutorHarness : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _renewing;
    private readonly bool _ownsData;
    private readonly TimeSpan _lease;

    /// <param name="configure">The settings of execution.</param>
    /// <param name="data">Its data directory; null: one that is gone with it.</param>
    /// <param name="lease">How long each renewal lasts; null: five seconds.</param>
    /// <param name="renew">Whether the lease is renewed.</param>
    /// <param name="clock">Of the driver; null: the system's.</param>
    /// <param name="images">The settings of images; null: only those that are there. The known ones are none of them unless it says so.</param>
    /// <param name="disks">Null: they never fill up.</param>
    public ExecutorHarness(
        Action<ExecutionOptions>? configure = null, string? data = null, TimeSpan? lease = null, bool renew = true, TimeProvider? clock = null, Action<ImageOptions>? images = null,
        IDiskSpace? disks = null)
    {
        _lease = lease ?? TimeSpan.FromSeconds(5);
        _ownsData = data is null;
        Data = data ?? Directory.CreateTempSubdirectory("builds-test-").FullName;
        var services = new ServiceCollection();
        if (disks is not null) services.AddSingleton(disks);
        _services = services.AddLogging().AddSingleton<IConfiguration>(new ConfigurationBuilder().Build()).AddSingleton(clock ?? TimeProvider.System)
            .Configure<ImageOptions>(options =>
            {
                options.Known = false;
                images?.Invoke(options);
            })
            .AddBuildsExecution(options =>
            {
                options.DataDirectory = Data;
                options.Grace = TimeSpan.FromSeconds(2);
                options.FirstLease = _lease;
                // Nothing outlives a build unless a test is about that.
                options.Parked = 0;
                configure?.Invoke(options);
            }).BuildServiceProvider();
        Executor = _services.GetRequiredService<IBuildExecutor>();
        _renewing = renew ? RenewAlways() : Task.CompletedTask;
    }

    public string Data { get; }

    public IBuildExecutor Executor { get; }

    public T Service<T>() where T : notnull => _services.GetRequiredService<T>();

    public static BuildPlan Plan(BuildManifest manifest, int slot = 0, int job = 7) => new()
    {
        Job = new JobId(job),
        Attempt = 1,
        Slot = slot,
        Owner = "alice",
        JobUrl = $"http://builds.example/~alice/job/{job}",
        Manifest = manifest,
    };

    public static BuildManifest Manifest(params string[] scripts) => new()
    {
        Image = "host",
        Tasks = [.. scripts.Select((script, i) => new BuildTask($"task-{i}", script))],
    };

    public Task<BuildOutcome> Run(BuildManifest manifest, IBuildRecorder recorder, int slot = 0, CancellationToken stop = default,
        CancellationToken kill = default) => Executor.Run(Plan(manifest, slot), recorder, stop, kill);

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _renewing;
        await _services.DisposeAsync();
        _ending.Dispose();
        if (_ownsData) Directory.Delete(Data, recursive: true);
    }

    private async Task RenewAlways()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            do Executor.Renew(BootClock.Now + _lease);
            while (await timer.WaitForNextTickAsync(_ending.Token));
        }
        catch (OperationCanceledException)
        {
            // The harness ends.
        }
    }
}
