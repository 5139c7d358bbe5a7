using Builds.Jobs;
using Builds.Logs;

namespace Builds.Tests;

/// <summary>One real host for the tests of a class, by the system's clock; each test has jobs of its own.</summary>
public sealed class RunningServer : IAsyncLifetime
{
    public const string Held = "image: held\ntasks:\n- a: 'true'\n- b: 'true'\nartifacts:\n- out/a file.bin\n";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private BuildsServer? server;

    public BuildsServer Server => server ?? throw new InvalidOperationException("the server has not started");

    public async Task InitializeAsync() => server = await BuildsServer.Start();

    public async Task DisposeAsync() => await Server.DisposeAsync();

    /// <summary>A queued job of <c>~mia</c> whose build the test plays.</summary>
    public async Task<JobId> Submit(Visibility visibility = Visibility.Unlisted, bool execute = true)
    {
        var id = await Server.Grains.GetGrain<IJobIdGrain>(0).Next();
        await Server.Grains.GetGrain<IJobGrain>(id.Value).Submit(Some.Submission(manifest: Held) with { Visibility = visibility, Execute = execute });
        return id;
    }

    /// <summary>Waits until readers see so many bytes of a log.</summary>
    public async Task Visible(JobId job, string? task, long length, int attempt = 1) =>
        await Server.Service<ILogStore>().WaitForMore(job, attempt, task, length - 1, CancellationToken.None).WaitAsync(Bound);

    /// <summary>Waits until a job is final.</summary>
    public Task<string> Ended(JobId job) => Server.Ended(job.Value);

    /// <summary>The answer to one request, with a <c>Range</c> header if one is given.</summary>
    public async Task<HttpResponseMessage> Ask(string path, string? range = null, HttpMethod? method = null, string? token = null)
    {
        using var client = Server.CreateClient(token);
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path);
        if (range is not null)
            request.Headers.TryAddWithoutValidation("Range", range).ShouldBeTrue();
        return await client.SendAsync(request).WaitAsync(Bound);
    }
}
