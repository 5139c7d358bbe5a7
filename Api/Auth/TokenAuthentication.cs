using System.Text.Encodings.Web;
using Builds.Users;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Builds.Auth;

/// <summary>
/// Opaque tokens in the Authorization header, as <c>token TEXT</c> or <c>Bearer TEXT</c> (contract/rest section 1). Each request asks the
/// token's grain, so that a revocation counts from the next request on.
/// </summary>
public sealed class TokenAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    IGrainFactory grains) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "token";

    private const string NoToken = "No authorization supplied (expected an OAuth token)";
    private const string NotTwoWords = "Invalid authorization supplied";
    private const string UnknownToken = "Invalid or expired OAuth token";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization;
        var text = header.ToString();
        if (!text.StartsWith("token ", StringComparison.Ordinal) && !text.StartsWith("Bearer ", StringComparison.Ordinal))
            return AuthenticateResult.NoResult();
        if (header.Count != 1 || text.Split(' ') is not [_, { Length: > 0 } token])
            return AuthenticateResult.Fail(NotTwoWords);

        var caller = await Ask(token);
        return caller is null
            ? AuthenticateResult.Fail(UnknownToken)
            : AuthenticateResult.Success(new AuthenticationTicket(caller.ToPrincipal(SchemeName), SchemeName));
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var result = await HandleAuthenticateOnceSafeAsync();
        await Problems.Challenge(Context, result.Failure?.Message ?? NoToken);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var access = Context.GetEndpoint()?.Metadata.GetMetadata<AccessRequirement>();
        var refusal = Context.CallerOrNull() is { } caller ? access?.Refusal(caller) : null;
        return Problems.Forbidden(refusal ?? "403 forbidden").ExecuteAsync(Context);
    }

    private async Task<Caller?> Ask(string token)
    {
        try
        {
            return await grains.GetGrain<ITokenGrain>(TokenText.GrainKey(TokenText.Id(token))).Authenticate();
        }
        catch (Exception error)
        {
            throw new TokenCheckFailedException(error);
        }
    }
}
