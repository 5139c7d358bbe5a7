using System.Diagnostics;
using Builds.Auth;
using Builds.OpenApi;
using Builds.Requests;
using Builds.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Builds.Secrets;

/// <summary>A caller's own secrets, whoever he is: values come in here, and none ever goes out.</summary>
public static class SecretEndpoints
{
    public static RouteGroupBuilder MapSecrets(this IEndpointRouteBuilder routes)
    {
        var secrets = routes.MapGroup("/api/secrets").WithTags("Secrets");
        secrets.MapGet("", List).Describe<Page<SecretModel>>("Your secrets, newest first; never their values", body: null, 400, 401, 403).RequireScope(Scopes.SecretsRead);
        secrets.MapPost("", Create).Describe<SecretModel>("Keep a secret", Examples.NewSecret, 400, 401, 403, 413, 415).RequireScope(Scopes.SecretsWrite);
        secrets.MapPost("{uuid}/share", Share).Describe<SecretModel>("Give another user a copy", Examples.ShareSecret, 400, 401, 403, 404, 413, 415).RequireScope(Scopes.SecretsWrite);
        secrets.MapDelete("{uuid}", Remove).Describe<Done>("Remove a secret of yours; copies that you gave away stay", body: null, 401, 403, 404).RequireScope(Scopes.SecretsWrite);
        secrets.MapPost("rotate-keys", RotateKeys).Describe<SecretKeysModel>("Make a new key, and seal every secret of everybody with it", body: null, 401, 403).RequireAdmin(Scopes.SecretsWrite);
        return secrets;
    }

    private static async Task<IResult> List(HttpContext context, ISecretCatalogue catalogue, string? start, CancellationToken cancellationToken)
    {
        if (!Paging.TryParseStart(start, out var from))
            return Problems.Invalid(Paging.StartMistake(start));
        var secrets = await catalogue.Of(context.Caller().User, cancellationToken);
        return TypedResults.Ok(Paging.Cut(secrets, from, secret => secret.Info.Id, secret => SecretModel.From(secret.Info)));
    }

    private static async Task<IResult> Create(HttpContext context, ISecretDesk desk, CancellationToken cancellationToken)
    {
        var (fields, refusal) = await RequestBody.Read(context.Request, cancellationToken);
        if (fields is null)
            return refusal!;
        return SecretRequest.Read(fields) is { } secret
            ? Answer(await desk.Keep(context.Caller().User, secret, cancellationToken))
            : Problems.Invalid(fields.Errors);
    }

    private static async Task<IResult> Share(HttpContext context, ISecretDesk desk, string uuid, CancellationToken cancellationToken)
    {
        var (fields, refusal) = await RequestBody.Read(context.Request, cancellationToken);
        if (fields is null)
            return refusal!;
        var user = fields.RequiredText("user");
        if (!fields.IsValid)
            return Problems.Invalid(fields.Errors);
        return SecretText.Uuid(uuid) is { } known
            ? Answer(await desk.Share(new SecretKey(context.Caller().User, known), user!.TrimStart('~'), cancellationToken))
            : Problems.NotFound();
    }

    private static async Task<IResult> Remove(HttpContext context, IGrainFactory grains, string uuid) =>
        SecretText.Uuid(uuid) is { } known && await grains.GetGrain<ISecretGrain>(new SecretKey(context.Caller().User, known).GrainKey).Remove()
            ? TypedResults.Ok(new Done())
            : Problems.NotFound();

    private static async Task<IResult> RotateKeys(ISecretDesk desk, CancellationToken cancellationToken) =>
        TypedResults.Ok(new SecretKeysModel(await desk.RotateKeys(cancellationToken)));

    private static IResult Answer(SecretAnswer answer) => answer switch
    {
        SecretAnswer.Done done => TypedResults.Ok(SecretModel.From(done.Secret)),
        SecretAnswer.Refused refused => Problems.Invalid(refused.Field, refused.Reason),
        SecretAnswer.NotFound => Problems.NotFound(),
        _ => throw new UnreachableException(),
    };
}
