using System.Security.Claims;
using Builds.Users;
using Microsoft.AspNetCore.Http;

namespace Builds.Auth;

/// <summary>
/// The one form in which an authenticated caller travels through ASP.NET. Another scheme (a JWT issuer, a cookie) is added by
/// making its principal with <see cref="ToPrincipal"/>; no endpoint knows which scheme it was.
/// </summary>
public static class CallerClaims
{
    private const string User = "user";
    private const string Admin = "admin";
    private const string Scope = "scope";

    public static ClaimsPrincipal ToPrincipal(this Caller caller, string scheme)
    {
        var identity = new ClaimsIdentity(scheme, User, roleType: null);
        identity.AddClaim(new Claim(User, caller.User));
        if (caller.IsAdmin)
            identity.AddClaim(new Claim(Admin, "true"));
        identity.AddClaims(caller.Scopes.Select(scope => new Claim(Scope, scope)));
        return new ClaimsPrincipal(identity);
    }

    /// <summary>Null for an anonymous request.</summary>
    public static Caller? CallerOrNull(this HttpContext context) => context.User.FindFirst(User) is { } user
        ? new Caller(user.Value, context.User.HasClaim(Admin, "true"), [.. context.User.FindAll(Scope).Select(scope => scope.Value)])
        : null;

    /// <summary>For endpoints that require a scope, where nobody anonymous gets in.</summary>
    public static Caller Caller(this HttpContext context) => context.CallerOrNull()
        ?? throw new InvalidOperationException($"{context.Request.Path} requires no scope, so its caller may be anonymous");
}
