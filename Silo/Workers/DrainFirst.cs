using Microsoft.Extensions.Options;

namespace Builds.Workers;

/// <summary>
/// Begins the worker after everything else has started: only then is the address known that builds are told, and a job that comes earlier
/// fails. Drains it before anything else stops, so that HTTP still answers those who watch the last builds: hosted services stop one after
/// the other, the web server first.
/// </summary>
internal sealed class DrainFirst(WorkerHost worker) : IHostedLifecycleService
{
    /// <summary>What handing back and closing down may take after the grace is over.</summary>
    private static readonly TimeSpan AfterGrace = TimeSpan.FromSeconds(30);

    public Task StoppingAsync(CancellationToken cancellationToken) => worker.StopAsync(cancellationToken);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => worker.StartAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Registers the worker by it, with time enough to stop in.</summary>
    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<WorkerHost>();
        services.AddHostedService<DrainFirst>();
        services.AddOptions<HostOptions>().Configure<IOptions<WorkerOptions>>(
            (host, worker) => host.ShutdownTimeout = worker.Value.DrainGrace + AfterGrace);
    }
}
