using System.Net;
using Builds.Cluster;

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
}
