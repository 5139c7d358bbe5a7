using System.Collections.Immutable;
using Builds.Auth;
using Builds.OpenApi;
using Builds.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Builds.Users;

/// <summary>Tokens, for admins.</summary>
public static class TokenEndpoints
{
    public static RouteGroupBuilder MapTokens(this IEndpointRouteBuilder routes)
    {
        var tokens = routes.MapGroup("/api/tokens").WithTags("Tokens");
        tokens.MapGet("", List).Describe<TokenList>("All tokens, or those of a user; never their text", body: null, 401, 403).RequireAdmin(Scopes.TokensRead);
        tokens.MapPost("", Create).Describe<NewTokenModel>("Make a token; its text is in this answer only", Examples.NewToken, 400, 401, 403, 413, 415).RequireAdmin(Scopes.TokensWrite);
        tokens.MapDelete("{token}", Revoke).Describe<Done>("End a token at once, by its id or the first 8 characters of its text", body: null, 400, 401, 403, 404).RequireAdmin(Scopes.TokensWrite);
        return tokens;
    }

    private static async Task<IResult> List(ITokenCatalogue catalogue, string? user, CancellationToken cancellationToken)
    {
        var tokens = await catalogue.List(user?.TrimStart('~'), cancellationToken);
        return TypedResults.Ok(new TokenList([.. tokens.Select(TokenModel.From)]));
    }

    private static async Task<IResult> Create(HttpContext context, IGrainFactory grains, TimeProvider clock, CancellationToken cancellationToken)
    {
        var (fields, refusal) = await RequestBody.Read(context.Request, cancellationToken);
        if (fields is null)
            return refusal!;
        var text = TokenText.Create();
        if (TokenRequest.Read(fields, context.Caller(), text, clock.GetUtcNow()) is not { } grant)
            return Problems.Invalid(fields.Errors);

        var token = await grains.GetGrain<ITokenGrain>(TokenText.GrainKey(TokenText.Id(text))).Create(grant);

        // A copy that a cache keeps would be a second place where the text stands.
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(NewTokenModel.From(token, text));
    }

    /// <param name="token">An id, or the first 8 characters of the token's text.</param>
    private static async Task<IResult> Revoke(ITokenCatalogue catalogue, IGrainFactory grains, string token, CancellationToken cancellationToken)
    {
        var meant = token.Length == TokenText.PrefixLength ? await WithPrefix(catalogue, token, cancellationToken) : [token];
        if (meant.Length > 1)
            return Problems.Invalid(null, $"{meant.Length} tokens begin with {token}: revoke by id, one of {string.Join(", ", meant)}");

        return meant is [var id] && TokenText.IsId(id) && await grains.GetGrain<ITokenGrain>(TokenText.GrainKey(id)).Revoke()
            ? TypedResults.Ok(new Done())
            : Problems.NotFound();
    }

    private static async Task<ImmutableArray<string>> WithPrefix(ITokenCatalogue catalogue, string prefix, CancellationToken cancellationToken)
    {
        var tokens = await catalogue.List(user: null, cancellationToken);
        return [.. tokens.Where(token => token.Prefix == prefix).Select(token => token.Id)];
    }
}
