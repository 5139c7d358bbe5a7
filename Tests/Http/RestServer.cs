using System.Collections.Concurrent;

namespace Builds.Tests;

/// <summary>
/// One server for all tests of a class. Its date stands still unless a test moves it, so that times in answers are known; each test
/// takes users and jobs of its own.
/// </summary>
public sealed class RestServer : IAsyncLifetime
{
    private readonly ConcurrentBag<HttpClient> clients = [];
    private BuildsServer? server;
    private int users;

    public BuildsServer Server => server ?? throw new InvalidOperationException("the server has not started");

    public StandingDate Clock { get; } = new(Some.Time);

    /// <summary>The clock's time as answers show it.</summary>
    public string Now => ApiTime.Text(Clock.GetUtcNow());

    public string Origin => Server.Address.ToString().TrimEnd('/');

    /// <summary>Every manifest of image <c>held</c> runs until the test ends it, and all others succeed at once.</summary>
    public FakeExecutor Executor => Server.Executor!;

    public HttpClient Admin => Server.Client;

    public async Task InitializeAsync() => server = await BuildsServer.Start(new BuildsServerOptions { Clock = Clock });

    /// <summary>A user whom no other test has.</summary>
    public string NewUser() => $"user{Interlocked.Increment(ref users)}";

    /// <summary>The owner of a job or group as answers show him.</summary>
    public static string Owner(string user) => $$"""{"canonical_name":"~{{user}}","name":"{{user}}"}""";

    /// <summary>A client with a token of this user; without scopes it may read and write jobs.</summary>
    public async Task<HttpClient> As(string user, params string[] scopes) =>
        WithToken(await Server.CreateToken(user, scopes: scopes is [] ? ["jobs:write"] : scopes));

    /// <summary>A client without a token.</summary>
    public HttpClient Anonymous() => WithToken(null);

    public HttpClient WithToken(string? token)
    {
        var client = Server.CreateClient(token);
        clients.Add(client);
        return client;
    }

    public async Task DisposeAsync()
    {
        foreach (var client in clients)
            client.Dispose();
        if (server is not null)
            await server.DisposeAsync();
    }
}

/// <summary>Only the date stands still: timers and durations are real, so that heartbeats and second tries go on.</summary>
public sealed class StandingDate(DateTimeOffset start) : TimeProvider
{
    private long ticks = start.UtcTicks;

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref ticks), TimeSpan.Zero);

    public void Advance(TimeSpan step) => Interlocked.Add(ref ticks, step.Ticks);
}
