using Builds.Cluster;
using Builds.Execution;
using Builds.Health;
using Builds.Storage;
using Builds.Stores;
using Builds.Workers;
using Orleans.Configuration;

namespace Builds;

/// <summary>What one silo is made of. Every way to start one goes through here.</summary>
public static class BuildsHost
{
    /// <summary>A silo with a front door: <c>builds serve</c>.</summary>
    public static WebApplication WithHttp(BuildsHostOptions options)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = Environments.Production });
        builder.WebHost.UseUrls(options.Urls);
        Compose(builder, options);
        builder.Services.AddSettings<ApiOptions>(builder.Configuration, ApiOptions.Section);
        builder.Services.AddBuildsApi();
        builder.Services.AddSingleton<JobAddress>(services => services.GetRequiredService<PublicOrigin>().Job);
        builder.Services.AddSingleton<IReadiness, SiloReadiness>();
        options.Configure?.Invoke(builder.Services);
        return builder.Build().MapBuildsApi();
    }

    /// <summary>A silo without: <c>builds run</c>, and whatever opens the database for a moment.</summary>
    public static IHost WithoutHttp(BuildsHostOptions options)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = Environments.Production });
        Compose(builder, options);
        // Nobody answers there, and the name says so (RFC 6761, section 6.4).
        builder.Services.AddSingleton<JobAddress>((owner, job) => $"http://builds.invalid/~{owner}/job/{job}");
        options.Configure?.Invoke(builder.Services);
        return builder.Build();
    }

    private static void Compose(IHostApplicationBuilder builder, BuildsHostOptions options)
    {
        var (services, data) = (builder.Services, options.Data);
        builder.Configuration.AddInMemoryCollection(options.Settings);
        if (options.Clock is not null)
            services.AddSingleton(options.Clock);
        services.AddBuildsGrains(builder.Configuration);
        services.AddBuildsStores(new StoreLocation.Folder(data.Path));
        if (options.Worker)
        {
            services.AddSingleton(_ => WorkerFile.NextStart(data));
            // The worker grain is found by it.
            services.AddOptions<SiloOptions>().Configure<WorkerIdentity>((silo, worker) => silo.SiloName = worker.Name);
            // Before the silo: what an earlier one left is gone before the first heartbeat says so.
            services.AddBuildsExecution(execution => Execute(execution, options));
        }

        StorageSchema.Upgrade(data.Database);
        builder.UseOrleans(silo =>
        {
            silo.UseEmbeddedClustering();
            silo.UseBuildsStorage(data.Database);
        });
        if (options.Worker)
        {
            services.AddBuildsWorker();
            DrainFirst.Add(services);
        }
    }

    private static void Execute(ExecutionOptions execution, BuildsHostOptions options)
    {
        execution.DataDirectory = options.Data.Path;
        // Builds without isolation are one person's own risk, not one for strangers to take.
        execution.AllowProcess &= options.IsLocal;
    }
}
