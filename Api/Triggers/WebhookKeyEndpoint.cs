using System.Security.Cryptography;
using Builds.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Builds.Triggers;

/// <summary>What receivers of webhooks check signatures with; it is no secret, and needs no token.</summary>
public static class WebhookKeyEndpoint
{
    public static void MapWebhookKey(this IEndpointRouteBuilder routes) => routes.MapGet("/api/webhook-key", Get)
        .Describe<WebhookKeyModel>("The key that webhooks are signed with", body: null).WithTags("Service");

    private static async Task<IResult> Get(IGrainFactory grains) =>
        TypedResults.Ok(WebhookKeyModel.From(await grains.GetGrain<IWebhookKeyGrain>(IWebhookKeyGrain.Key).PublicKey()));
}

/// <param name="Algorithm">ed25519.</param>
/// <param name="PublicKey">32 bytes, base64.</param>
/// <param name="Pem">The same, in the form that openssl reads.</param>
public sealed record WebhookKeyModel(string Algorithm, string PublicKey, string Pem)
{
    /// <summary>What stands before the key in a SubjectPublicKeyInfo of this algorithm (RFC 8410, section 4).</summary>
    private static ReadOnlySpan<byte> Prefix => [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

    public static WebhookKeyModel From(string key) => new("ed25519", key, PemEncoding.WriteString("PUBLIC KEY", [.. Prefix, .. Convert.FromBase64String(key)]) + "\n");
}
