using Builds.Artifacts;
using Builds.Logs;

namespace Builds.Stores;

public static class StoreServices
{
    /// <summary>Logs and artifacts as files. Both directories are made when first needed; one process uses them at a time.</summary>
    public static IServiceCollection AddBuildsStores(this IServiceCollection services, string logsDirectory, string artifactsDirectory)
    {
        services.AddSingleton<ILogStore>(new FileLogStore(logsDirectory));
        services.AddSingleton<IArtifactStore>(provider =>
        {
            var store = new FileArtifactStore(artifactsDirectory, provider.GetRequiredService<TimeProvider>());
            store.RemoveUnfinished();
            return store;
        });
        return services;
    }
}
