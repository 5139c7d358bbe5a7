using System.Collections.Immutable;
using System.Data.Common;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Logging;

namespace Builds;

/// <summary>One reason why a request was refused.</summary>
/// <param name="Field">The key of the request that is meant; left out if it is none in particular.</param>
/// <param name="Reason">A sentence for people.</param>
public sealed record ApiError(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Field,
    string Reason);

/// <summary>The body of every refusal.</summary>
public sealed record ApiErrors(ImmutableArray<ApiError> Errors);

/// <summary>Turns refusals and failures into a status and the contract's error shape. Nothing else does.</summary>
public static class Problems
{
    private static readonly string[] ForPrograms = ["/api", "/logs", "/query/log", "/artifacts"];

    public static IResult Invalid(params IEnumerable<ApiError> errors) => Answer(StatusCodes.Status400BadRequest, [.. errors]);

    public static IResult Invalid(string? field, string reason) => Invalid(new ApiError(field, reason));

    public static IResult NotFound() => Answer(StatusCodes.Status404NotFound, TextOf(StatusCodes.Status404NotFound));

    /// <summary>It was there, and was deleted since it had become too old, or for the room it took.</summary>
    public static IResult Expired(string what, DateTimeOffset since) => Answer(
        StatusCodes.Status404NotFound, $"the {what} of this job are no longer kept: they were deleted on {since.UtcDateTime:yyyy-MM-dd}, when they had become too old or room was needed");

    /// <summary>It exists, but belongs to somebody else.</summary>
    public static IResult NotYours() => Answer(StatusCodes.Status401Unauthorized, TextOf(StatusCodes.Status401Unauthorized));

    /// <summary>Not possible as things stand now.</summary>
    public static IResult Conflict(string reason) => Answer(StatusCodes.Status409Conflict, reason);

    /// <summary>No worker has that name.</summary>
    /// <param name="known">The names that there are.</param>
    public static IResult NoSuchWorker(string name, IEnumerable<string> known) => Answer(
        StatusCodes.Status404NotFound, $"no worker is called '{name}'; there {(string.Join(", ", known) is { Length: > 0 } names ? $"is {names}" : "is none")}");

    /// <summary>Asked of a silo that only runs builds.</summary>
    public static IResult NotServedHere() => Answer(
        StatusCodes.Status404NotFound, "this silo runs builds and answers /health only (--role Worker): ask a silo of the cluster that has a front door");

    public static IResult Forbidden(string reason) => Answer(StatusCodes.Status403Forbidden, reason);

    public static IResult TooLarge(string reason) => Answer(StatusCodes.Status413PayloadTooLarge, reason);

    public static IResult UnsupportedType(string reason) => Answer(StatusCodes.Status415UnsupportedMediaType, reason);

    /// <summary>More than the caller may have at a time. The caller of this sets Retry-After.</summary>
    public static IResult TooMany(string reason) => Answer(StatusCodes.Status429TooManyRequests, reason);

    /// <summary>A missing job group: an empty object, as the original has it.</summary>
    public static IResult NoSuchGroup() => TypedResults.Json(new { }, statusCode: StatusCodes.Status404NotFound);

    /// <summary>No valid token. <paramref name="reason"/> says what was wrong with it.</summary>
    public static Task Challenge(HttpContext context, string reason)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return Answer(StatusCodes.Status401Unauthorized, reason).ExecuteAsync(context);
    }

    /// <summary>Gives refusals of the framework itself (unknown route, wrong method) the same shape, wherever programs ask.</summary>
    public static void UseProblems(this IApplicationBuilder app)
    {
        app.UseExceptionHandler(_ => { });
        app.UseStatusCodePages(page => ForPrograms.Any(area => page.HttpContext.Request.Path.StartsWithSegments(area, StringComparison.OrdinalIgnoreCase))
            ? Answer(page.HttpContext.Response.StatusCode, TextOf(page.HttpContext.Response.StatusCode)).ExecuteAsync(page.HttpContext)
            : Task.CompletedTask);
    }

    internal static (int Status, string Reason) Of(Exception error, HttpContext context) => error switch
    {
        BadHttpRequestException bad => (bad.StatusCode, bad.StatusCode switch
        {
            StatusCodes.Status413PayloadTooLarge => "The body is too large",
            StatusCodes.Status408RequestTimeout => "The body came too slowly: send the request again",
            _ => bad.Message,
        }),
        TokenCheckFailedException => (StatusCodes.Status500InternalServerError, "Temporary authentication failure"),
        TimeoutException => (StatusCodes.Status503ServiceUnavailable, Unavailable(context.Request, "did not answer in time")),
        OrleansException or DbException or IOException => (StatusCodes.Status503ServiceUnavailable, Unavailable(context.Request, $"could not {(IsRead(context.Request) ? "read" : "store")} it; the server's log says why")),
        _ => (StatusCodes.Status500InternalServerError, $"Internal error: the server's log has the details under {context.TraceIdentifier}"),
    };

    private static string Unavailable(HttpRequest request, string what) => IsRead(request)
        ? $"The service {what}: ask again"
        : $"Unknown outcome: the service {what}. Repeat the request, with the same Idempotency-Key if it has one";

    private static bool IsRead(HttpRequest request) => HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);

    private static string TextOf(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => "401 unauthorized",
        StatusCodes.Status404NotFound => "404 not found",
        StatusCodes.Status405MethodNotAllowed => "405 method not allowed",
        StatusCodes.Status413PayloadTooLarge => "413 body too large",
        StatusCodes.Status415UnsupportedMediaType => "415 unsupported content type",
        _ => $"{status} refused",
    };

    private static JsonHttpResult<ApiErrors> Answer(int status, string reason) => Answer(status, [new ApiError(null, reason)]);

    private static JsonHttpResult<ApiErrors> Answer(int status, ImmutableArray<ApiError> errors) => TypedResults.Json(new ApiErrors(errors), statusCode: status);

    internal static Task Write(HttpContext context, int status, string reason) => Answer(status, reason).ExecuteAsync(context);
}

/// <summary>Whether a token is valid could not be found out.</summary>
public sealed class TokenCheckFailedException(Exception cause) : Exception("a token could not be checked", cause);

/// <summary>Answers for what nobody expected: a time-out means that the outcome is unknown, all else is our mistake.</summary>
internal sealed partial class UnexpectedFailures(ILogger<UnexpectedFailures> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (httpContext.RequestAborted.IsCancellationRequested)
            return true; // Nobody is there to read an answer.

        var (status, reason) = Problems.Of(exception, httpContext);
        if (status >= StatusCodes.Status500InternalServerError)
            LogFailed(exception, httpContext.Request.Method, httpContext.Request.Path, status, httpContext.TraceIdentifier);
        if (status == StatusCodes.Status503ServiceUnavailable || exception is TokenCheckFailedException)
            httpContext.Response.Headers.RetryAfter = "1";
        await Problems.Write(httpContext, status, reason);
        return true;
    }

    [LoggerMessage(EventId = 2000, Level = LogLevel.Error, Message = "{Method} {Path} answered {Status}, request {RequestId}")]
    private partial void LogFailed(Exception error, string method, string path, int status, string requestId);
}
