using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Builds.Health;

/// <summary>For whoever watches the process. Neither needs a token.</summary>
public static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        var health = routes.MapGroup("/health").WithTags("Health");
        // Alive means only that the process answers: it asks nobody, or a slow database would get the silo killed.
        health.MapGet("live", () => TypedResults.Ok(new HealthModel("alive", []))).ShortCircuit();
        health.MapGet("ready", Ready);
    }

    private static async Task<IResult> Ready(IReadiness readiness, CancellationToken cancellationToken)
    {
        var missing = await readiness.Missing(cancellationToken);
        return missing.Count == 0
            ? TypedResults.Ok(new HealthModel("ready", missing))
            : TypedResults.Json(new HealthModel("not ready", missing), statusCode: StatusCodes.Status503ServiceUnavailable);
    }
}

/// <param name="Status">alive, ready or not ready.</param>
/// <param name="Missing">What it waits for.</param>
public sealed record HealthModel(string Status, IReadOnlyList<string> Missing);
