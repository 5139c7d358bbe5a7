using System.Globalization;
using Builds.Auth;
using Builds.Jobs;
using Builds.Requests;
using Builds.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace Builds.Logs;

/// <summary>
/// Logs under their two addresses (contract/web section 8). <c>/logs/…</c> needs no token for public and unlisted jobs; <c>/query/log/…</c>
/// always needs one, and follows what hut expects of it (contract/graphql section 6).
/// </summary>
public static class LogEndpoints
{
    private static readonly string[] Reads = [HttpMethods.Get, HttpMethods.Head];

    public static void MapLogs(this IEndpointRouteBuilder routes)
    {
        var open = routes.MapGroup("/logs").WithTags("Logs");
        open.MapMethods("{id}/log", Reads, ([AsParameters] LogRequest request) => LogReads.Read(request, task: null));
        open.MapMethods("{id}/{task}/log", Reads, ([AsParameters] LogRequest request, string task) => LogReads.Read(request, task));

        var query = routes.MapGroup("/query/log").WithTags("Logs").RequireScope(Scopes.JobsRead);
        query.MapMethods("{id}/log", Reads, ([AsParameters] LogRequest request) => LogReads.ReadForQuery(request, task: null));
        query.MapMethods("{id}/{task}/log", Reads, ([AsParameters] LogRequest request, string task) => LogReads.ReadForQuery(request, task));
    }
}

/// <param name="Follow"><c>true</c>: the answer goes on until the job or task has ended.</param>
/// <param name="Offset">With <paramref name="Follow"/>: the first byte wanted.</param>
internal sealed record LogRequest(HttpContext Context, ICatalogue Catalogue, ILogStore Store, LogFollowing Following, string Id, string? Follow = null, string? Offset = null)
{
    public bool IsFollowing => Follow == "true";

    public long From => long.TryParse(Offset, NumberStyles.None, CultureInfo.InvariantCulture, out var from) ? from : 0;

    /// <summary>Null if what was asked for makes sense.</summary>
    public IResult? Refusal()
    {
        if (Follow is not (null or "true" or "false"))
            return Problems.Invalid("follow", $"follow must be true or false, not '{Follow}'");
        return Offset is null || From.ToString(CultureInfo.InvariantCulture) == Offset
            ? null
            : Problems.Invalid("offset", $"offset must be a whole number of bytes from 0 on, not '{Offset}'");
    }
}

internal static class LogReads
{
    private const string ContentType = "text/plain; charset=utf-8";

    public static async Task<IResult> Read(LogRequest request, string? task)
    {
        if (request.Refusal() is { } refusal)
            return refusal;
        var (job, log) = await Find(request, task);
        return job is null || log is null ? Missing(job) : Answer(request, job, task, log);
    }

    public static async Task<IResult> ReadForQuery(LogRequest request, string? task)
    {
        if (!JobId.TryParse(request.Id, out _))
            return Problems.Invalid("id", $"'{request.Id}' is no job id: a whole number from 1 to {int.MaxValue}");
        if (request.Refusal() is { } refusal)
            return refusal;
        var (job, log) = await Find(request, task);
        if (job is null || log is null)
            return Missing(job);
        return log.Length == 0 && !request.IsFollowing && ByteRanges.Asked(request.Context.Request) ? new EmptyRange() : Answer(request, job, task, log);
    }

    private static async Task<(JobSnapshot? Job, JobLog? Log)> Find(LogRequest request, string? task)
    {
        var cancellationToken = request.Context.RequestAborted;
        if (!JobId.TryParse(request.Id, out var id) || await request.Catalogue.Find(id, cancellationToken) is not { } job || !request.Context.CallerOrNull().MaySee(job))
            return default;
        var known = job.Tasks.FirstOrDefault(known => known.Name == task);
        if (task is not null && known is null)
            return default;

        if (job.LogsExpired is not null)
            return (job, null);
        var log = await JobLog.Open(request.Store, job, task, cancellationToken);
        return log.Exists || HasBegun(job, known) || (request.IsFollowing && !job.Status.IsFinal()) ? (job, log) : default;
    }

    private static IResult Missing(JobSnapshot? job) => job?.LogsExpired is { } since ? Problems.Expired("logs", since) : Problems.NotFound();

    /// <summary>A log that is to be there although nobody has written to it yet, or ever will: it reads as empty.</summary>
    private static bool HasBegun(JobSnapshot job, TaskSnapshot? task) => task is null
        ? job.Attempt > 0 || job.Status.IsFinal()
        : task.Status is BuildTaskStatus.Running or BuildTaskStatus.Success or BuildTaskStatus.Failed;

    private static IResult Answer(LogRequest request, JobSnapshot job, string? task, JobLog log)
    {
        var headers = request.Context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        if (request.IsFollowing && HttpMethods.IsGet(request.Context.Request.Method))
            return new Followed(request.Following, job, task, request.From);

        ByteRanges.IgnoreOtherUnits(request.Context.Request);
        // Two days, as the original keeps ended logs; private, since an owner may hide a job later.
        headers.CacheControl = log.IsSealed ? "private, max-age=172800, immutable" : "no-cache";
        var tag = log.IsSealed ? new EntityTagHeaderValue($"\"{job.Id}-{log.Length}\"") : null;
        return TypedResults.Stream(new JobLogStream(log), ContentType, entityTag: tag, enableRangeProcessing: true);
    }

    private sealed class EmptyRange : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.ContentType = ContentType;
            response.ContentLength = 0;
            response.Headers.AcceptRanges = "bytes";
            // No valid range, but the one answer that hut takes for an empty log.
            response.Headers.ContentRange = "bytes 0-0/0";
            return Task.CompletedTask;
        }
    }

    private sealed class Followed(LogFollowing following, JobSnapshot job, string? task, long offset) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.ContentType = ContentType;
            httpContext.Response.Headers.CacheControl = "no-store";
            return following.Stream(httpContext, job, task, offset);
        }
    }
}
