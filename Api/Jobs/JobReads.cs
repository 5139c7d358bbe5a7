using Builds.Auth;
using Builds.Requests;
using Microsoft.AspNetCore.Http;

namespace Builds.Jobs;

/// <summary>What can be asked about jobs. Each answer is read from what is stored.</summary>
internal static class JobReads
{
    public static async Task<IResult> List(
        HttpContext context, ICatalogue catalogue, PublicOrigin origin, string? start, CancellationToken cancellationToken)
    {
        if (!Paging.TryParseStart(start, out var from))
            return Problems.Invalid(Paging.StartMistake(start));

        var page = await catalogue.List(context.Caller().User, from is { } id ? new JobId(id) : null, Paging.Size, cancellationToken);

        return TypedResults.Ok(new Page<JobModel>(page.Next?.ToString(), [.. page.Jobs.Select(job => JobModel.From(job, origin))], Paging.Size, page.Total));
    }

    public static async Task<IResult> Get(
        HttpContext context, ICatalogue catalogue, PublicOrigin origin, JobWaiting waiting, JobPlaces places, string id, string? wait, CancellationToken cancellationToken)
    {
        if (await Find(context, catalogue, id, cancellationToken) is not { } job)
            return Problems.NotFound();
        if (wait is not null)
        {
            if (!JobWaiting.TryParseSeconds(wait, out var atMost))
                return Problems.Invalid("wait", $"wait must be a whole number of seconds from 1 to {JobWaiting.MaxSeconds}, not '{wait}'");
            job = await waiting.ForOtherStatus(job, atMost, cancellationToken);
        }

        return TypedResults.Ok(JobModel.From(job, origin, await places.Of(job, cancellationToken)));
    }

    public static async Task<IResult> Artifacts(
        HttpContext context, ICatalogue catalogue, PublicOrigin origin, string id, string? start, CancellationToken cancellationToken)
    {
        if (await Find(context, catalogue, id, cancellationToken) is not { } job)
            return Problems.NotFound();
        if (!Paging.TryParseStart(start, out var from))
            return Problems.Invalid(Paging.StartMistake(start));

        return TypedResults.Ok(Paging.Cut(job.Artifacts, from, artifact => artifact.Number, artifact => ArtifactModel.From(artifact, job, origin)));
    }

    public static async Task<IResult> Manifest(HttpContext context, ICatalogue catalogue, string id, CancellationToken cancellationToken) =>
        await Find(context, catalogue, id, cancellationToken) is { } job
            ? TypedResults.Text(job.Manifest, "text/plain; charset=utf-8")
            : Problems.NotFound();

    public static async Task<IResult> Timeline(HttpContext context, ICatalogue catalogue, string id, CancellationToken cancellationToken) =>
        await Find(context, catalogue, id, cancellationToken) is { } job
            ? TypedResults.Ok(JobTimelineModel.From(job))
            : Problems.NotFound();

    /// <summary>Null if there is no such job for this reader.</summary>
    private static async Task<JobSnapshot?> Find(HttpContext context, ICatalogue catalogue, string id, CancellationToken cancellationToken) =>
        JobId.TryParse(id, out var key) && await catalogue.Find(key, cancellationToken) is { } job && context.CallerOrNull().MaySee(job) ? job : null;
}
