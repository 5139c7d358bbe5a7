using Builds.Artifacts;
using Builds.Logs;
using Builds.Stores.S3;
using Microsoft.Extensions.Options;

namespace Builds.Stores;

public static class StoreServices
{
    /// <summary>Logs, artifacts and <see cref="IStoreHealth"/>.</summary>
    /// <param name="siloName">The stable name of this silo where many share the store; null: this process is the only one that uses it.</param>
    public static IServiceCollection AddBuildsStores(this IServiceCollection services, StoreLocation store, string? siloName = null) => store switch
    {
        StoreLocation.Folder { Path: var directory } => services.AddFolder(directory, siloName),
        StoreLocation.Bucket bucket when siloName is not null => services.AddBucket(bucket, siloName),
        _ => throw new NotSupportedException($"a silo that is alone keeps logs and artifacts in its directory, not in {store}"),
    };

    /// <summary>Where logs are in a store that is a directory.</summary>
    public static string LogsOf(string directory) => Path.Combine(directory, "logs");

    /// <summary>Where artifacts are in a store that is a directory.</summary>
    public static string ArtifactsOf(string directory) => Path.Combine(directory, "artifacts");

    /// <summary>Which store it is (<see cref="IStoreHealth.StoreId"/>), before there is a silo.</summary>
    internal static async Task<string> IdOf(StoreLocation store, StoreOptions options, string siloName, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (store is StoreLocation.Folder { Path: var directory })
            return await new FolderHealth(directory, Probe(siloName), clock).StoreId(cancellationToken);
        using var bucket = new S3Bucket((StoreLocation.Bucket)store, options, clock);
        return await new BucketHealth(bucket, Probe(siloName), clock).StoreId(cancellationToken);
    }

    private static string Probe(string? siloName) => siloName is null ? ".ready" : $".ready-{siloName}";

    private static IServiceCollection AddFolder(this IServiceCollection services, string directory, string? siloName)
    {
        services.AddSingleton(provider => new StorePatience(siloName is not null, Clock(provider), provider.GetRequiredService<ILogger<StorePatience>>()));
        services.AddSingleton(provider => new FileLogStore(LogsOf(directory), provider.GetRequiredService<StorePatience>()));
        services.AddSingleton<IArtifactStore>(provider =>
        {
            var artifacts = new FileArtifactStore(ArtifactsOf(directory), Clock(provider), siloName, provider.GetRequiredService<StorePatience>());
            artifacts.RemoveUnfinished();
            return artifacts;
        });
        services.AddSingleton<IStoreHealth>(provider => new FolderHealth(directory, Probe(siloName), Clock(provider)));
        return siloName is null
            ? services.AddSingleton<ILogStore>(provider => provider.GetRequiredService<FileLogStore>())
            : services.AddFollowing(siloName, provider => provider.GetRequiredService<FileLogStore>());
    }

    private static IServiceCollection AddBucket(this IServiceCollection services, StoreLocation.Bucket bucket, string siloName)
    {
        services.AddSingleton(provider => new StorePatience(waits: true, Clock(provider), provider.GetRequiredService<ILogger<StorePatience>>()));
        services.AddSingleton(provider => new S3Bucket(bucket, Options(provider), Clock(provider)));
        services.AddSingleton<IBucket>(provider => provider.GetRequiredService<S3Bucket>());
        services.AddSingleton<LogCompaction>();
        services.AddHostedService(provider => provider.GetRequiredService<LogCompaction>());
        services.AddSingleton<ObjectLogStore>();
        services.AddSingleton<IArtifactStore>(provider =>
        {
            var (options, service) = (Options(provider), provider.GetRequiredService<S3Bucket>());
            return new ObjectArtifactStore(
                service,
                options.PresignedDownloads ? (key, name, cancellationToken) => service.Sign(key, name, options.PresignedFor, cancellationToken) : null,
                provider.GetRequiredService<StorePatience>(), Clock(provider));
        });
        services.AddSingleton<IStoreHealth>(provider => new BucketHealth(provider.GetRequiredService<IBucket>(), Probe(siloName), Clock(provider)));
        return services.AddFollowing(siloName, provider => provider.GetRequiredService<ObjectLogStore>());
    }

    /// <summary>Readers on every silo are woken by what any silo writes.</summary>
    private static IServiceCollection AddFollowing(this IServiceCollection services, string siloName, Func<IServiceProvider, ILogStore> shared)
    {
        services.AddSingleton(provider => new LogTails(shared(provider)));
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(provider => provider.GetRequiredService<LogTails>());
        return services.AddSingleton<ILogStore>(provider => ActivatorUtilities.CreateInstance<FollowingLogStore>(provider, shared(provider), siloName));
    }

    private static StoreOptions Options(IServiceProvider provider) => provider.GetRequiredService<IOptions<StoreOptions>>().Value;

    private static TimeProvider Clock(IServiceProvider provider) => provider.GetRequiredService<TimeProvider>();
}
