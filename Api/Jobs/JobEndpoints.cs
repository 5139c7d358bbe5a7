using Builds.Auth;
using Builds.OpenApi;
using Builds.Requests;
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
        jobs.MapGet("", JobReads.List).Describe<Page<JobModel>>("Your jobs, newest first", body: null, 400, 401, 403).RequireScope(Scopes.JobsRead);
        jobs.MapPost("", JobChanges.Submit).Describe<JobModel>("Submit a job; the header Idempotency-Key makes a repeat safe for 24 hours", Examples.Submission, 400, 401, 403, 413, 415, 429).RequireScope(Scopes.JobsWrite);
        jobs.MapGet("{id}", JobReads.Get).Describe<JobModel>("One job; with wait it is answered when the status changes, at the latest after that many seconds", body: null, 400, 401, 403, 404).RequireScope(Scopes.JobsRead);
        jobs.MapGet("{id}/artifacts", JobReads.Artifacts).Describe<Page<ArtifactModel>>("The files that a job left behind", body: null, 400, 401, 403, 404).RequireScope(Scopes.JobsRead);
        jobs.MapGet("{id}/manifest", JobReads.Manifest).WithMetadata(new Described("The manifest as it was submitted", Body: null)).Produces<string>(200, "text/plain").Produces<ApiErrors>(404);
        jobs.MapGet("{id}/timeline", JobReads.Timeline).Describe<JobTimelineModel>("What was decided about a job, oldest first", body: null, 401, 403, 404).RequireScope(Scopes.JobsRead);
        jobs.MapPost("{id}/start", JobChanges.Start).Describe<Done>("Queue a pending job", body: null, 400, 401, 403, 404, 429).RequireScope(Scopes.JobsWrite);
        jobs.MapPost("{id}/cancel", JobChanges.Cancel).Describe<Done>("Cancel a job that has not ended", body: null, 401, 403, 404).RequireScope(Scopes.JobsWrite);
        return jobs;
    }
}
