using Builds.Health;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Tests;

/// <summary>For whoever watches the process, and contract/rest section 5.9.</summary>
public sealed class HealthTests(RestServer rest) : IClassFixture<RestServer>
{
    [Fact]
    public async Task The_version_can_be_asked_without_a_token() =>
        (await rest.Anonymous().Get("/api/version")).ShouldBe(200, """{"version":"0.1.0"}""");

    [Fact]
    public async Task A_silo_that_answers_is_alive() =>
        (await rest.Anonymous().Get("/health/live")).ShouldBe(200, """{"status":"alive","missing":[]}""");

    [Fact]
    public async Task A_silo_that_can_take_jobs_is_ready() =>
        (await rest.Anonymous().Get("/health/ready")).ShouldBe(200, """{"status":"ready","missing":[]}""");

    [Fact]
    public async Task A_silo_that_lacks_something_is_alive_and_says_what_it_lacks()
    {
        await using var server = await BuildsServer.Start(new BuildsServerOptions { Configure = services => services.AddSingleton<IReadiness>(new Lacking()) });

        (await server.Client.Get("/health/ready")).ShouldBe(503, """{"status":"not ready","missing":["the database does not answer"]}""");
        (await server.Client.Get("/health/live")).ShouldBe(200, """{"status":"alive","missing":[]}""");
    }

    private sealed class Lacking : IReadiness
    {
        public Task<IReadOnlyList<string>> Missing(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<string>>(["the database does not answer"]);
    }
}
