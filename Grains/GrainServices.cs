using Builds.Cluster;
using Builds.Execution;
using Builds.Jobs;
using Builds.Logs;
using Builds.Queue;
using Builds.Retention;
using Builds.Secrets;
using Builds.Space;
using Builds.Triggers;
using Builds.Users;
using Builds.Workers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Builds;

/// <summary>
/// What the grains need. The host adds what they cannot know: <see cref="WorkerIdentity"/>, <see cref="JobAddress"/>,
/// <see cref="IBootClock"/>, <see cref="IDiskSpace"/>, <see cref="ICatalogue"/>, <see cref="ISecretCatalogue"/>, <see cref="ISecretVault"/>, the stores, and an executor.
/// </summary>
public static class GrainServices
{
    public static IServiceCollection AddBuildsGrains(this IServiceCollection services, IConfiguration configuration)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddPlacementDirector<PinnedToSiloStrategy, PinnedToSiloDirector>();
        services.AddSingleton<IWorkerRoster, WorkerRoster>();
        services.AddSettings<JobOptions>(configuration, JobOptions.Section);
        services.AddSettings<QueueOptions>(configuration, QueueOptions.Section);
        services.AddSettings<LeaseOptions>(configuration, LeaseOptions.Section);
        services.AddSettings<WorkerOptions>(configuration, WorkerOptions.Section);
        services.AddSettings<LogOptions>(configuration, LogOptions.Section);
        services.AddSettings<RetentionOptions>(configuration, RetentionOptions.Section);
        services.AddSettings<SpaceOptions>(configuration, SpaceOptions.Section);
        services.AddSettings<TriggerOptions>(configuration, TriggerOptions.Section);
        services.TryAddSingleton<IClusterStanding, AloneStanding>();
        services.TryAddSingleton<IQueuePlace, OnlyPlace>();
        services.AddSingleton<AttemptRecorderFactory>();
        services.AddSingleton<AttemptSecrets>();
        services.AddSingleton<BuildTokens>();
        services.AddSingleton<ISecretDesk, SecretDesk>();
        services.AddSingleton<AttemptRunner>();
        services.AddSingleton<WorkerAgent>();
        services.AddSingleton(provider => new SpaceWatch(
            provider.GetRequiredService<IDiskSpace>(),
            // A front door has no executor, and so no worker to tell.
            provider.GetService<IBuildExecutor>() is null ? null : provider.GetRequiredService<WorkerAgent>(),
            provider.GetRequiredService<IGrainFactory>(),
            provider.GetRequiredService<IOptions<SpaceOptions>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<SpaceWatch>>()));
        return services;
    }

    /// <summary>The worker itself. Call it after UseOrleans: see <see cref="WorkerHost"/>.</summary>
    public static IServiceCollection AddBuildsWorker(this IServiceCollection services)
    {
        services.AddSingleton<WorkerHost>();
        services.AddHostedService(provider => provider.GetRequiredService<WorkerHost>());
        return services;
    }

    /// <summary>Deletes what has become too old. Call it after UseOrleans, on every silo.</summary>
    public static IServiceCollection AddBuildsRetention(this IServiceCollection services) => services.AddHostedService<RetentionHost>();

    /// <summary>Watches how much room is left. Call it after UseOrleans, on every silo that serves.</summary>
    public static IServiceCollection AddBuildsSpaceWatch(this IServiceCollection services) =>
        services.AddHostedService(provider => provider.GetRequiredService<SpaceWatch>());

    /// <summary>Has triggers delivered, by the senders that the host adds. Call it after UseOrleans, on every silo.</summary>
    public static IServiceCollection AddBuildsTriggers(this IServiceCollection services) => services.AddHostedService<TriggerHost>();

    /// <summary>Binds settings to their class; a value out of range stops the start with a message that names it.</summary>
    public static void AddSettings<TOptions>(this IServiceCollection services, IConfiguration configuration, string section)
        where TOptions : class =>
        services.AddOptions<TOptions>().Bind(configuration.GetSection(section)).ValidateDataAnnotations().ValidateOnStart();
}
