using System.Net;
using Builds.Cluster;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Builds.Tests;

public sealed class BuildsServerTests
{
    private static readonly FormUrlEncodedContent Hello = new([new("manifest", Some.Manifest)]);

    [Fact]
    public async Task A_job_that_is_submitted_over_HTTP_succeeds()
    {
        await using var server = await BuildsServer.Start();

        var answer = await server.Client.PostAsync("/api/jobs", Hello);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await server.Ended(1)).ShouldContain("\"status\":\"success\"");
        (await server.Client.GetStringAsync("/health/ready")).ShouldBe("""{"status":"ready","missing":[]}""");
    }

    [Fact]
    public async Task A_directory_serves_one_silo_at_a_time()
    {
        await using var server = await BuildsServer.Start();

        var refused = await Should.ThrowAsync<DataDirectoryException>(() => BuildsServer.Start(new BuildsServerOptions { DataDirectory = server.Data.Path }));

        refused.Message.ShouldContain($"is in use by process {Environment.ProcessId}");
    }

    /// <summary>A job that waits, or comes from another silo, is told an address that is known only once the service listens.</summary>
    [Fact]
    public async Task The_worker_begins_when_everything_else_has()
    {
        var starting = new Starting();
        await using var server = await BuildsServer.Start(new BuildsServerOptions
        {
            Configure = services => services.AddSingleton<IHostedService>(provider => starting.Of(provider)),
        });

        starting.WorkerBegan.ShouldBe(false);
        (server.Service<WorkerHost>().ExecuteTask is not null).ShouldBeTrue();
    }

    /// <summary>Looks about while the host starts, before the web server.</summary>
    private sealed class Starting : IHostedService
    {
        private IServiceProvider? services;

        public bool? WorkerBegan { get; private set; }

        public Starting Of(IServiceProvider provider)
        {
            services = provider;
            return this;
        }

        public Task StartAsync(CancellationToken cancellationToken)
        {
            WorkerBegan = services!.GetRequiredService<WorkerHost>().ExecuteTask is not null;
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
