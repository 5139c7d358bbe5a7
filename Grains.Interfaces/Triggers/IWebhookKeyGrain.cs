namespace Builds.Triggers;

/// <summary>
/// The Ed25519 key that webhooks are signed with (contract/manifest section 8): one for the cluster, keyed <see cref="Key"/>, made when it
/// is first needed and kept in the database, sealed as secrets are. The private half never leaves this grain.
/// </summary>
[Alias("IWebhookKeyGrain")]
public interface IWebhookKeyGrain : IGrainWithStringKey
{
    const string Key = "webhook-key";

    /// <summary>The public half: 32 bytes, base64. For anybody.</summary>
    [Alias("PublicKey")]
    Task<string> PublicKey();

    /// <summary>Signs the UTF-8 bytes of <paramref name="body"/> followed by the text of the nonce.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="occasion">What it is sent for: the same one always gets the same nonce, by which receivers tell a repeat.</param>
    [Alias("Sign")]
    Task<WebhookSignature> Sign(string body, string occasion);

    /// <summary>Seals the private half anew, with the newest key of secrets. A repeat does it again.</summary>
    [Alias("Reseal")]
    Task Reseal();
}

/// <param name="Nonce">16 hexadecimal digits.</param>
/// <param name="Signature">64 bytes, base64.</param>
[GenerateSerializer, Immutable, Alias("WebhookSignature")]
public sealed record WebhookSignature([property: Id(0)] string Nonce, [property: Id(1)] string Signature);
