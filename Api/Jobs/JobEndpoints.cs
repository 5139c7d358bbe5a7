using Builds.Auth;
using Builds.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Builds.Jobs;

/// <summary>Jobs (contract/rest section 5).</summary>
public static class JobEndpoints
{
    public static RouteGroupBuilder MapJobs(this IEndpointRouteBuilder routes)
    {
        var jobs = routes.MapGroup("/api/jobs").WithTags("Jobs");
        jobs.MapGet("", JobReads.List).RequireScope(Scopes.JobsRead);
        jobs.MapPost("", JobChanges.Submit).RequireScope(Scopes.JobsWrite);
        jobs.MapGet("{id}", JobReads.Get).RequireScope(Scopes.JobsRead);
        jobs.MapGet("{id}/artifacts", JobReads.Artifacts).RequireScope(Scopes.JobsRead);
        jobs.MapGet("{id}/manifest", JobReads.Manifest);
        jobs.MapPost("{id}/start", JobChanges.Start).RequireScope(Scopes.JobsWrite);
        jobs.MapPost("{id}/cancel", JobChanges.Cancel).RequireScope(Scopes.JobsWrite);
        return jobs;
    }
}
