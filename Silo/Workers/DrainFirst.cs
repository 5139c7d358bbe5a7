using Microsoft.Extensions.Options;

namespace Builds.Workers;

/// <summary>
/// Begins the worker after everything else has started: only then is the address known that builds are told, and a job that comes earlier
/// fails. Drains it before anything else stops, so that HTTP still answers those who watch the last builds: hosted services stop one after
/// the other, the web server first.
/// </summary>
internal sealed partial class DrainFirst(WorkerHost worker, IHostApplicationLifetime lifetime, ILogger<DrainFirst> logger) : IHostedLifecycleService
{
    /// <summary>What handing back and closing down may take after the grace is over.</summary>
    private static readonly TimeSpan AfterGrace = TimeSpan.FromSeconds(30);

    public Task StoppingAsync(CancellationToken cancellationToken) => worker.StopAsync(cancellationToken);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        await worker.StartAsync(cancellationToken);
        WatchWorker().Ignore();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>A silo whose worker broke would look well and build nothing: it ends instead, and is started again.</summary>
    private async Task WatchWorker()
    {
        try
        {
            await worker.ExecuteTask!;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            LogBroken(error);
            lifetime.StopApplication();
        }
    }

    [LoggerMessage(EventId = 1410, Level = LogLevel.Critical, Message = "The worker broke; the silo stops")]
    private partial void LogBroken(Exception error);

    /// <summary>Registers the worker by it, with time enough to stop in.</summary>
    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<WorkerHost>();
        services.AddHostedService<DrainFirst>();
        services.AddOptions<HostOptions>().Configure<IOptions<WorkerOptions>>(
            (host, worker) => host.ShutdownTimeout = worker.Value.DrainGrace + AfterGrace);
    }
}
