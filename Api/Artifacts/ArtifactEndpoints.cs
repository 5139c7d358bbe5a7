using Builds.Auth;
using Builds.Jobs;
using Builds.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace Builds.Artifacts;

/// <summary>The files that jobs left behind (contract/manifest section 9). No token for public and unlisted jobs.</summary>
public static class ArtifactEndpoints
{
    public static void MapArtifacts(this IEndpointRouteBuilder routes) =>
        routes.MapMethods("/artifacts/~{owner}/{id}/{key}/{name}", [HttpMethods.Get, HttpMethods.Head], Read).WithTags("Artifacts");

    private static async Task<IResult> Read(
        HttpContext context, ICatalogue catalogue, IArtifactStore store, string owner, string id, string key, string name, CancellationToken cancellationToken)
    {
        if (!JobId.TryParse(id, out var number) || await catalogue.Find(number, cancellationToken) is not { } job
            || job.Owner != owner || !context.CallerOrNull().MaySee(job)
            || job.Artifacts.FirstOrDefault(known => known.Key == key && known.Name == name) is not { } artifact)
            return Problems.NotFound();
        if (job.ArtifactsExpired is { } since)
            return Problems.Expired("artifacts", since);
        // An address is for one kind of request.
        if (HttpMethods.IsGet(context.Request.Method) && await store.Link(job.Id, key, name, cancellationToken) is { } link)
        {
            context.Response.Headers.CacheControl = "no-store";
            return TypedResults.Redirect(link.AbsoluteUri);
        }

        if (await store.Open(job.Id, key, name, cancellationToken) is not { } content)
            return Problems.NotFound();

        ByteRanges.IgnoreOtherUnits(context.Request);
        // What a build made is never shown as a page of ours; private, since an owner may hide a job later.
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.CacheControl = "private, max-age=172800, immutable";
        return TypedResults.Stream(
            content, "application/octet-stream", artifact.Name, artifact.Created, new EntityTagHeaderValue($"\"{artifact.Sha256}\""), enableRangeProcessing: true);
    }
}
