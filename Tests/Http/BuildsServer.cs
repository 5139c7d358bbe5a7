using System.Net.Http.Headers;
using Builds.Cluster;
using Builds.Execution;
using Builds.Support;
using Builds.Users;
using Builds.Workers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.TestingHost;

namespace Builds.Tests;

/// <summary>
/// The real host in this process: the same composition as <c>builds serve</c>, on a free port, with a data directory of its own that is
/// removed at the end, on the database that <see cref="Databases.Default"/> says. Only the executor is fake, unless the test wants the real one.
/// </summary>
public sealed class BuildsServer : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly DataLock held;
    private readonly bool keepData;

    private BuildsServer(WebApplication app, DataDirectory data, DataLock held, BuildsServerOptions options, string token, Uri address)
    {
        (this.app, this.held, Data, AdminToken, Address) = (app, held, data, token, address);
        keepData = options.DataDirectory is not null;
        Database = options.Database;
        Executor = options.Executor;
        Client = CreateClient(token);
    }

    /// <summary>As <c>~admin</c>, with all scopes.</summary>
    public HttpClient Client { get; }

    public string AdminToken { get; }
    public Uri Address { get; }
    public DataDirectory Data { get; }

    public DatabaseKind Database { get; }

    /// <summary>Null where the real one runs.</summary>
    public FakeExecutor? Executor { get; }

    public IGrainFactory Grains => Service<IGrainFactory>();

    /// <summary>A service of the host.</summary>
    public T Service<T>() where T : notnull => app.Services.GetRequiredService<T>();

    public static Task<BuildsServer> Start() => Start(new BuildsServerOptions());

    public static async Task<BuildsServer> Start(BuildsServerOptions options)
    {
        var data = DataDirectory.Create(options.DataDirectory ?? Path.Combine(Path.GetTempPath(), $"builds-test-{Guid.NewGuid():N}"));
        var settings = options.Database == DatabaseKind.Postgres ? await ClusterOfOne.Settings(data.Path) : [];
        foreach (var (name, value) in options.Settings)
            settings[name] = value;
        var dataLock = data.Lock();
        WebApplication? host = null;
        try
        {
            host = await BuildsHost.WithHttp(new BuildsHostOptions
            {
                Data = data,
                Urls = "http://127.0.0.1:0",
                Settings = settings,
                Clock = options.Clock,
                Configure = services => Configure(services, options),
            });
            await host.StartAsync();
            var admin = await FirstStart.EnsureAdmin(data, host.Services.GetRequiredService<IGrainFactory>());
            return new BuildsServer(host, data, dataLock, options, admin.Token, new Uri(host.Services.GetRequiredService<PublicOrigin>().Listening));
        }
        catch
        {
            if (host is not null)
                await host.DisposeAsync();
            dataLock.Dispose();
            throw;
        }
    }

    /// <summary>A client with another token, or anonymous with null. The caller disposes it.</summary>
    public HttpClient CreateClient(string? token)
    {
        var client = new HttpClient { BaseAddress = Address };
        if (token is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    /// <summary>The job as REST shows it when it has ended; fails with what it saw when that takes longer than a minute.</summary>
    public async Task<string> Ended(int job)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var seen = "nothing";
        while (!bound.IsCancellationRequested)
        {
            seen = await Client.GetStringAsync($"/api/jobs/{job}?wait=20", CancellationToken.None);
            if (seen.Contains("\"status\":\"success\",\"reason\"", StringComparison.Ordinal) || seen.Contains("\"status\":\"failed\",\"reason\"", StringComparison.Ordinal))
                return seen;
        }

        throw new TimeoutException($"job {job} was to end; it is: {seen}");
    }

    /// <summary>Makes a token, and answers its text.</summary>
    public async Task<string> CreateToken(string user, bool isAdmin = false, DateTimeOffset? expires = null, params string[] scopes)
    {
        var token = TokenText.Create();
        await Grains.GetGrain<ITokenGrain>(TokenText.GrainKey(TokenText.Id(token)))
            .Create(new TokenGrant(user, isAdmin, [.. scopes], TokenText.Prefix(token), expires));
        return token;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        // Nobody waits for the builds of a test that is over; a fake clock would never end their grace.
        Service<WorkerHost>().HandBackNow();
        await app.StopAsync();
        await app.DisposeAsync();
        held.Dispose();
        if (keepData)
            return;
        Directory.Delete(Data.Path, recursive: true);
        await ClusterOfOne.Forget(Data.Path);
    }

    /// <summary>One statement, by somebody else than the server.</summary>
    public async Task Execute(string sqlite, string postgres)
    {
        if (Database == DatabaseKind.Postgres)
        {
            await using var source = NpgsqlDataSource.Create(await ClusterOfOne.ConnectionString(Data.Path) + ";Pooling=false");
            await using var statement = source.CreateCommand(postgres);
            await statement.ExecuteNonQueryAsync();
            return;
        }

        await using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Data.Database, Pooling = false }.ToString());
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sqlite;
        await command.ExecuteNonQueryAsync();
    }

    private static void Configure(IServiceCollection services, BuildsServerOptions options)
    {
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Builds", LogLevel.Warning));
        if (options.Executor is { } fake)
            services.Replace(ServiceDescriptor.Singleton<IBuildExecutor>(fake));
        // Grains follow the test's clock; the silo's own rounds must not stand still with it.
        if (options.Clock is not null)
            services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
        options.Configure?.Invoke(services);
    }
}

/// <summary>What a test wants different from <c>builds serve</c>.</summary>
public sealed record BuildsServerOptions
{
    /// <summary>Null: the real one, with real processes.</summary>
    public FakeExecutor? Executor { get; init; } = new();

    /// <summary>The clock of grains and leases; null: the system's.</summary>
    public TimeProvider? Clock { get; init; }

    /// <summary>By their full name, for example <c>Builds:Jobs:MaxAttempts</c>.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();

    /// <summary>One to begin with, which is left in place at the end; null: an empty one, which is removed.</summary>
    public string? DataDirectory { get; init; }

    public Action<IServiceCollection>? Configure { get; init; }

    public DatabaseKind Database { get; init; } = Databases.Default;
}
