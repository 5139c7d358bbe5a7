using Builds.Users;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Builds.Auth;

/// <summary>Says on an endpoint or group what a token must be allowed.</summary>
public static class ScopePolicies
{
    public static TBuilder RequireScope<TBuilder>(this TBuilder endpoints, Scope scope)
        where TBuilder : IEndpointConventionBuilder => endpoints.Require(new AccessRequirement(scope, AdminOnly: false));

    /// <summary>The scope, and a token of an admin.</summary>
    public static TBuilder RequireAdmin<TBuilder>(this TBuilder endpoints, Scope scope)
        where TBuilder : IEndpointConventionBuilder => endpoints.Require(new AccessRequirement(scope, AdminOnly: true));

    private static TBuilder Require<TBuilder>(this TBuilder endpoints, AccessRequirement access)
        where TBuilder : IEndpointConventionBuilder =>
        endpoints.RequireAuthorization(policy => policy.RequireAuthenticatedUser().AddRequirements(access)).WithMetadata(access);
}

/// <summary>What an endpoint asks of its caller; on the endpoint too, so that a refusal and the description can name it.</summary>
internal sealed record AccessRequirement(Scope Scope, bool AdminOnly) : IAuthorizationRequirement
{
    /// <summary>Null if the caller may, else why not (contract/rest section 1).</summary>
    public string? Refusal(Caller caller)
    {
        if (!caller.Allow(Scope))
            return $"Your OAuth token is not permitted to use this endpoint (needs {Scopes.Client}/{Scope})";
        return AdminOnly && !caller.IsAdmin ? "This endpoint is for admins only: use a token of an admin" : null;
    }
}

internal sealed class AccessHandler : AuthorizationHandler<AccessRequirement>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, AccessRequirement requirement)
    {
        if (context.Resource is HttpContext http && http.CallerOrNull() is { } caller && requirement.Refusal(caller) is null)
            context.Succeed(requirement);
        return Task.CompletedTask;
    }
}
