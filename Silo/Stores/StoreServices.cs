using Builds.Artifacts;
using Builds.Logs;

namespace Builds.Stores;

public static class StoreServices
{
    /// <summary>Logs, artifacts and <see cref="IStoreHealth"/>.</summary>
    /// <param name="siloName">The stable name of this silo where many share the store; null: this process is the only one that uses it.</param>
    public static IServiceCollection AddBuildsStores(this IServiceCollection services, StoreLocation store, string? siloName = null) => store switch
    {
        StoreLocation.Folder { Path: var directory } => services.AddFolder(directory, siloName),
        _ => throw new NotSupportedException($"the store {store} is no directory"),
    };

    /// <summary>The store as a whole, also before there is a silo.</summary>
    internal static IStoreHealth Health(StoreLocation store, string? siloName, TimeProvider clock) => store switch
    {
        StoreLocation.Folder { Path: var directory } => new FolderHealth(directory, siloName is null ? ".ready" : $".ready-{siloName}", clock),
        _ => throw new NotSupportedException($"the store {store} is no directory"),
    };

    private static IServiceCollection AddFolder(this IServiceCollection services, string directory, string? siloName)
    {
        services.AddSingleton(provider => new StorePatience(siloName is not null, Clock(provider), provider.GetRequiredService<ILogger<StorePatience>>()));
        services.AddSingleton(provider => new FileLogStore(Path.Combine(directory, "logs"), provider.GetRequiredService<StorePatience>()));
        services.AddSingleton<IArtifactStore>(provider =>
        {
            var artifacts = new FileArtifactStore(Path.Combine(directory, "artifacts"), Clock(provider), siloName, provider.GetRequiredService<StorePatience>());
            artifacts.RemoveUnfinished();
            return artifacts;
        });
        services.AddSingleton<IStoreHealth>(provider => Health(new StoreLocation.Folder(directory), siloName, Clock(provider)));
        return siloName is null
            ? services.AddSingleton<ILogStore>(provider => provider.GetRequiredService<FileLogStore>())
            : services.AddFollowing(siloName, provider => provider.GetRequiredService<FileLogStore>());
    }

    /// <summary>Readers on every silo are woken by what any silo writes.</summary>
    private static IServiceCollection AddFollowing(this IServiceCollection services, string siloName, Func<IServiceProvider, ILogStore> shared)
    {
        services.AddSingleton(provider => new LogTails(shared(provider)));
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(provider => provider.GetRequiredService<LogTails>());
        return services.AddSingleton<ILogStore>(provider => ActivatorUtilities.CreateInstance<FollowingLogStore>(provider, shared(provider), siloName));
    }

    private static TimeProvider Clock(IServiceProvider provider) => provider.GetRequiredService<TimeProvider>();
}
