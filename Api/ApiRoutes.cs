using Builds.Artifacts;
using Builds.Health;
using Builds.Jobs;
using Builds.Logs;
using Builds.OpenApi;
using Builds.Queue;
using Builds.Secrets;
using Builds.Triggers;
using Builds.Users;
using Builds.Workers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Builds;

/// <summary>The table of contents of the URL space.</summary>
public static class ApiRoutes
{
    public static WebApplication MapBuildsApi(this WebApplication app)
    {
        app.UseProblems();
        app.UseAuthentication();
        app.UseAuthorization();

        app.MapJobs();
        app.MapJobGroups();
        app.MapLogs();
        app.MapArtifacts();
        app.MapSecrets();
        app.MapTokens();
        app.MapWorkers();
        app.MapQueue();
        app.MapWebhookKey();
        app.MapGet("/api/version", () => TypedResults.Ok(new VersionModel(ProductVersion.Text))).Describe<VersionModel>("The version of the service", body: null).WithTags("Service");
        app.MapHealth();
        app.MapOpenApi(OpenApiDescription.Address);
        return app;
    }

    /// <summary>For a silo that only runs builds: whether it is well, and nothing else.</summary>
    public static WebApplication MapBuildsHealth(this WebApplication app)
    {
        app.UseProblems();
        app.MapHealth();
        app.MapFallback("{**path}", () => Problems.NotServedHere());
        return app;
    }
}

public sealed record VersionModel(string Version);
