using Builds.Execution.Parking;
using Builds.Execution.Sandbox;
using Builds.Execution.Slots;
using Builds.Images;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Builds.Execution;

/// <summary>Registration of what runs builds on this machine.</summary>
public static class ExecutionServiceCollectionExtensions
{
    /// <summary>
    /// Adds <see cref="IBuildExecutor"/> for image <c>host</c> and those of the data directory, with settings from section
    /// <see cref="ExecutionOptions.Section"/>, then <paramref name="configure"/>. At start-up it sweeps leftovers and tries bubblewrap.
    /// </summary>
    public static IServiceCollection AddBuildsExecution(this IServiceCollection services, Action<ExecutionOptions>? configure = null)
    {
        var options = services.AddOptions<ExecutionOptions>().BindConfiguration(ExecutionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        options.Configure<IOptions<WorkerOptions>>((execution, worker) => execution.Slots = worker.Value.Slots);
        if (configure is not null) options.Configure(configure);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IBootClock, SystemBootClock>();
        services.AddSingleton<GuardProgram>();
        services.AddSingleton<SlotUsers>();
        services.AddSingleton<Leftovers>();
        services.AddSingleton(provider => new ImageStore(provider.GetRequiredService<IOptions<ExecutionOptions>>().Value.ImageDirectory(), provider.GetRequiredService<ILogger<ImageStore>>()));
        services.AddSingleton<ParkingLot>();
        services.AddOptions<ImageOptions>().BindConfiguration(ImageOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IValidateOptions<ImageOptions>, ImageSettingKeys>();
        services.AddSingleton<OfferedImages>();
        services.AddSingleton<ImageBringer>();
        services.AddSingleton<BuildExecutor>();
        services.AddSingleton<IBuildExecutor>(s => s.GetRequiredService<BuildExecutor>());
        services.AddHostedService<ExecutionStart>();
        services.AddHostedService<ShellDoor>();
        return services;
    }

    /// <summary>Finds out at start-up, and not in the first build, whether builds can run.</summary>
    private sealed class ExecutionStart(BuildExecutor executor, TimeProvider clock) : BackgroundService
    {
        private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

        public override async Task StartAsync(CancellationToken cancellationToken)
        {
            await executor.Start(cancellationToken);
            await base.StartAsync(cancellationToken);
        }

        /// <summary>And looks every minute for what was left.</summary>
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            using var timer = new PeriodicTimer(Interval, clock);
            try
            {
                while (await timer.WaitForNextTickAsync(stoppingToken)) await executor.Sweep();
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // The silo ends.
            }
        }
    }
}
