using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Builds.OpenApi;

/// <summary>What the description of an endpoint says beyond its types.</summary>
/// <param name="Body">An example of the request's body, JSON; null if it has none.</param>
internal sealed record Described(string Summary, string? Body);

internal static class DescribedExtensions
{
    /// <param name="endpoint">An endpoint that answers 200 with <typeparamref name="TAnswer"/>, and refuses in the one error shape.</param>
    /// <param name="summary">One sentence.</param>
    /// <param name="body">An example of the request's body, JSON.</param>
    /// <param name="refusals">The statuses of its refusals.</param>
    public static RouteHandlerBuilder Describe<TAnswer>(this RouteHandlerBuilder endpoint, string summary, string? body, params ReadOnlySpan<int> refusals)
    {
        endpoint.Produces<TAnswer>(200).WithMetadata(new Described(summary, body));
        foreach (var status in refusals)
            endpoint.Produces<ApiErrors>(status);
        return endpoint;
    }
}

/// <summary>An empty object: done.</summary>
public sealed record Done;
