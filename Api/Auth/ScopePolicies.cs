using Builds.Users;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;

namespace Builds.Auth;

/// <summary>Says on an endpoint or group which scope a token needs.</summary>
public static class ScopePolicies
{
    public static TBuilder RequireScope<TBuilder>(this TBuilder endpoints, Scope scope)
        where TBuilder : IEndpointConventionBuilder =>
        endpoints.RequireAuthorization(policy => policy.RequireAuthenticatedUser().AddRequirements(new ScopeRequirement(scope))).WithMetadata(scope);
}

internal sealed record ScopeRequirement(Scope Scope) : IAuthorizationRequirement;

internal sealed class ScopeHandler : AuthorizationHandler<ScopeRequirement>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, ScopeRequirement requirement)
    {
        if (context.Resource is Microsoft.AspNetCore.Http.HttpContext http && http.CallerOrNull()?.Allow(requirement.Scope) == true)
            context.Succeed(requirement);
        return Task.CompletedTask;
    }
}
