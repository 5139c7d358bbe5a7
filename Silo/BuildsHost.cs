using Builds.Cluster;
using Builds.Execution;
using Builds.Health;
using Builds.Secrets;
using Builds.Space;
using Builds.Storage;
using Builds.Stores;
using Builds.Triggers;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;

namespace Builds;

/// <summary>What one silo is made of. Every way to start one goes through here.</summary>
public static class BuildsHost
{
    /// <summary>
    /// A silo with a front door: <c>builds serve</c>. Alone on an embedded database, or a member of the cluster that the settings name.
    /// Throws <see cref="DataDirectoryException"/> or <see cref="ClusterException"/> where it cannot be.
    /// </summary>
    public static async Task<WebApplication> WithHttp(BuildsHostOptions options, CancellationToken cancellationToken = default)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = Environments.Production });
        builder.WebHost.UseUrls(options.Urls);
        builder.Configuration.AddInMemoryCollection(options.Settings);
        var cluster = ClusterSettings.Read(builder.Configuration);
        if (cluster.IsCluster)
            Compose(builder, options, await MemberSilo.Join(cluster, ClusterSettings.Store(builder.Configuration), options.Data, ClusterSettings.Lease(builder.Configuration), options.Tell, cancellationToken));
        else
            Compose(builder, options);

        builder.Services.AddSettings<ApiOptions>(builder.Configuration, ApiOptions.Section);
        builder.Services.AddBuildsApi();
        builder.Services.AddSingleton<JobAddress>(services => services.GetRequiredService<PublicOrigin>().Job);
        builder.Services.AddSingleton<IReadiness, SiloReadiness>();
        // Not for a silo that lives for a single build or command: it would be gone before they were delivered, and has no time to wait for room.
        builder.Services.AddBuildsTriggerSenders(builder.Configuration);
        builder.Services.AddBuildsTriggers();
        builder.Services.AddBuildsSpaceWatch();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<SpaceReserve>());
        options.Configure?.Invoke(builder.Services);
        var app = builder.Build();
        return cluster is { IsCluster: true, Role: SiloRole.Worker } ? app.MapBuildsHealth() : app.MapBuildsApi();
    }

    /// <summary>A silo alone, without a front door: <c>builds run</c>, and whatever opens the database for a moment.</summary>
    public static IHost WithoutHttp(BuildsHostOptions options)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = Environments.Production });
        builder.Configuration.AddInMemoryCollection(options.Settings);
        Compose(builder, options);
        builder.Services.PostConfigure<SpaceOptions>(space => (space.Low, space.Clean) = (0, 0));
        // Nobody answers there, and the name says so (RFC 6761, section 6.4).
        builder.Services.AddSingleton<JobAddress>((owner, job) => $"http://builds.invalid/~{owner}/job/{job}");
        options.Configure?.Invoke(builder.Services);
        return builder.Build();
    }

    private static void Compose(IHostApplicationBuilder builder, BuildsHostOptions options)
    {
        var (services, data) = (builder.Services, options.Data);
        if (File.Exists(data.Member))
            throw new ClusterException($"{data.Path} belongs to a silo of a cluster: start that one with --cluster, or choose another directory with --data.");
        AddRules(builder, options);
        services.AddBuildsSecrets(new FileKeys(data.Keys));
        AddStore(services, data, new StoreLocation.Folder(data.Path), siloName: null);
        if (options.Worker)
        {
            services.AddSingleton(_ => WorkerFile.NextStart(data));
            // The worker grain is found by it.
            services.AddOptions<SiloOptions>().Configure<WorkerIdentity>((silo, worker) => silo.SiloName = worker.Name);
            // Builds without isolation are one person's own risk, not one for strangers to take.
            AddExecution(services, options, mayRunPlain: options.IsLocal, hidden: []);
        }

        StorageSchema.Upgrade(data.Database);
        builder.UseOrleans(silo =>
        {
            silo.UseEmbeddedClustering();
            silo.UseBuildsStorage(data.Database, provider => provider.GetRequiredService<SpaceReserve>().GiveUp);
        });
        AddWorker(services, options.Worker);
    }

    private static void Compose(WebApplicationBuilder builder, BuildsHostOptions options, MemberSilo member)
    {
        var services = builder.Services;
        var worker = options.Worker && member.Options.Role != SiloRole.FrontDoor;
        AddRules(builder, options);
        services.AddSettings<StoreOptions>(builder.Configuration, StoreOptions.Section);
        services.AddBuildsSecrets(new PostgresKeys(member.Database));
        AddStore(services, options.Data, member.Store, member.Name);
        services.TryAddSingleton<IBootClock, SystemBootClock>();
        services.AddSingleton(member);
        services.AddSingleton(member.Identity);
        if (worker)
            AddExecution(services, options, mayRunPlain: false, hidden: Hidden(member, ClusterSettings.Tls(builder.Configuration)));
        builder.UseOrleans(silo =>
        {
            silo.UseBuildsStorage(member.Database);
            silo.UseDatabaseClustering(member, ClusterSettings.Tls(builder.Configuration));
        });
        services.AddSingleton<MembershipStanding>();
        services.AddSingleton<IClusterStanding>(provider => provider.GetRequiredService<MembershipStanding>());
        services.AddHostedService(provider => provider.GetRequiredService<MembershipStanding>());
        services.AddHostedService<MemberNews>();
        if (worker)
            services.AddHostedService<ServiceAddresses>();
        AddWorker(services, worker);
    }

    private static void AddRules(IHostApplicationBuilder builder, BuildsHostOptions options)
    {
        ThreadReserve.Keep();
        if (options.Clock is not null)
            builder.Services.AddSingleton(options.Clock);
        builder.Services.AddBuildsGrains(builder.Configuration);
    }

    // Before the silo: what an earlier one left is gone before the first heartbeat says so.
    private static void AddExecution(IServiceCollection services, BuildsHostOptions options, bool mayRunPlain, IReadOnlyList<string> hidden) =>
        services.AddBuildsExecution(execution =>
        {
            execution.DataDirectory = options.Data.Path;
            execution.AllowProcess &= mayRunPlain;
            execution.Hidden = hidden;
        });

    /// <summary>Logs and artifacts of everybody, and what makes a silo a member.</summary>
    private static IReadOnlyList<string> Hidden(MemberSilo member, SiloTlsOptions tls) =>
        [.. member.Store is StoreLocation.Folder folder ? new[] { folder.Path } : [], .. string.IsNullOrWhiteSpace(tls.Key) ? [] : new[] { tls.Key }];

    private static void AddStore(IServiceCollection services, DataDirectory data, StoreLocation store, string? siloName)
    {
        services.AddBuildsStores(store, siloName);
        services.AddSingleton<IDiskSpace>(new DiskSpace(data, store));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<SpaceReserve>(provider, data));
    }

    private static void AddWorker(IServiceCollection services, bool worker)
    {
        services.AddBuildsRetention();
        if (worker)
            DrainFirst.Add(services);
    }
}
