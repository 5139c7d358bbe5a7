using Builds.Jobs;
using Builds.Secrets;
using Builds.Storage;
using Builds.Support;
using Builds.Users;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Storage;

namespace Builds.Tests.Storage;

/// <summary>The storage of a silo over a real file of its own: the provider as the grains use it, and what is behind it.</summary>
internal sealed class StorageHarness : IAsyncDisposable
{
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly IHost host;
    private readonly Func<Task> remove;

    private StorageHarness(IHost host, string place, Func<Task> remove) => (this.host, Place, this.remove) = (host, place, remove);

    /// <summary>The file, or the connection string.</summary>
    public string Place { get; }

    public SqliteDatabase Database => host.Services.GetRequiredService<SqliteDatabase>();

    public PostgresDatabase Postgres => host.Services.GetRequiredService<PostgresDatabase>();

    public ICatalogue Catalogue => host.Services.GetRequiredService<ICatalogue>();

    public ITokenCatalogue Tokens => host.Services.GetRequiredService<ITokenCatalogue>();

    public ISecretCatalogue Secrets => host.Services.GetRequiredService<ISecretCatalogue>();

    public IExpiredSubmissions Submissions => host.Services.GetRequiredService<IExpiredSubmissions>();

    public IGrainStorage Storage => host.Services.GetRequiredKeyedService<IGrainStorage>(StorageNames.Provider);

    /// <param name="file">An existing SQLite database, or null for a new one that goes with the harness.</param>
    /// <param name="opened">Sees each connection for writing.</param>
    public static async Task<StorageHarness> Start(string? file = null, Action<SqliteConnection>? opened = null)
    {
        var temporary = file is null ? Directory.CreateTempSubdirectory("builds-storage-") : null;
        file ??= Path.Combine(temporary!.FullName, "builds.db");
        StorageSchema.Upgrade(file);
        return await Start(
            file,
            silo =>
            {
                silo.UseBuildsStorage(file);
                if (opened is not null)
                    silo.Services.AddSingleton(_ => new SqliteDatabase(file, opened));
            },
            () =>
            {
                temporary?.Delete(recursive: true);
                return Task.CompletedTask;
            });
    }

    /// <param name="place">An existing database of that kind, or null for a new one that goes with the harness.</param>
    public static async Task<StorageHarness> Start(DatabaseKind kind, string? place = null)
    {
        if (kind == DatabaseKind.Sqlite)
            return await Start(place);
        var server = await PostgresServer.Shared();
        var database = place ?? await server.CreateDatabase();
        await PostgresSchema.Upgrade(database);
        return await Start(database, silo => silo.UseBuildsStorage(new PostgresDatabase(database)), () => place is null ? server.DropDatabase(database) : Task.CompletedTask);
    }

    private static async Task<StorageHarness> Start(string place, Action<ISiloBuilder> use, Func<Task> remove)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering();
            use(silo);
        });
        var built = builder.Build();
        await StartStorage(built);
        return new StorageHarness(built, place, remove);
    }

    /// <summary>Only the provider starts: its rules are the subject, and a whole silo would take seconds for each test.</summary>
    public static async Task<IGrainStorage> StartStorage(IHost host)
    {
        var storage = host.Services.GetRequiredKeyedService<IGrainStorage>(StorageNames.Provider);
        var lifecycle = new Lifecycle();
        ((ILifecycleParticipant<ISiloLifecycle>)storage).Participate(lifecycle);
        await lifecycle.Start();
        return storage;
    }

    public static GrainId Job(int id) => GrainId.Create("job", id.ToString("X"));

    public static GrainId Named(string key) => GrainId.Create("named", key);

    public async Task<GrainState<T>> Read<T>(string state, GrainId grain) where T : new()
    {
        var record = new GrainState<T>(new T());
        await Storage.ReadStateAsync(state, grain, record).WaitAsync(Bound);
        return record;
    }

    public Task Write<T>(string state, GrainId grain, GrainState<T> record) => Storage.WriteStateAsync(state, grain, record).WaitAsync(Bound);

    public async Task<GrainState<JobState>> Write(JobState job)
    {
        var record = new GrainState<JobState>(job);
        await Write("job", Job(job.Id.Value), record);
        return record;
    }

    public async ValueTask DisposeAsync()
    {
        if (host is IAsyncDisposable services)
            await services.DisposeAsync();
        await remove();
    }

    private sealed class Lifecycle : ISiloLifecycle
    {
        private readonly List<ILifecycleObserver> observers = [];

        public int HighestCompletedStage => 0;

        public int LowestStoppedStage => 0;

        public IDisposable Subscribe(string observerName, int stage, ILifecycleObserver observer)
        {
            observers.Add(observer);
            return new MemoryStream();
        }

        public async Task Start()
        {
            foreach (var observer in observers)
                await observer.OnStart(default).WaitAsync(Bound);
        }
    }
}
