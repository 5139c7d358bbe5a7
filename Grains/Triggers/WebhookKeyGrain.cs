using System.Security.Cryptography;
using System.Text;
using Builds.Storage;
using Org.BouncyCastle.Crypto.Parameters;

namespace Builds.Triggers;

/// <summary>Signs with the library's Ed25519, which .NET itself does not have.</summary>
public sealed class WebhookKeyGrain(
    [PersistentState("webhookkey", StorageNames.Provider)] IPersistentState<WebhookKeyState> storage,
    TimeProvider clock) : Grain, IWebhookKeyGrain
{
    private const int NonceBytes = 8;

    public async Task<string> PublicKey() => Convert.ToBase64String((await Private()).GeneratePublicKey().GetEncoded());

    public async Task<WebhookSignature> Sign(string body, string occasion)
    {
        var key = await Private();
        // Nobody outside can foretell it, and nothing has to be kept for the next try to have the same one.
        var nonce = Convert.ToHexStringLower(HMACSHA256.HashData(key.GetEncoded(), Encoding.UTF8.GetBytes(occasion)).AsSpan(0, NonceBytes));
        var signed = Encoding.UTF8.GetBytes(body + nonce);
        var signature = new byte[Ed25519PrivateKeyParameters.SignatureSize];
        key.Sign(Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.Algorithm.Ed25519, ctx: null, signed, 0, signed.Length, signature, 0);
        return new WebhookSignature(nonce, Convert.ToBase64String(signature));
    }

    private async Task<Ed25519PrivateKeyParameters> Private()
    {
        if (storage.State.Seed.Length == 0)
            await Make();
        return new Ed25519PrivateKeyParameters(Convert.FromBase64String(storage.State.Seed));
    }

    private async Task Make()
    {
        storage.State = new WebhookKeyState { Seed = Convert.ToBase64String(RandomNumberGenerator.GetBytes(Ed25519PrivateKeyParameters.KeySize)), Created = clock.GetUtcNow() };
        try
        {
            await storage.WriteStateAsync();
        }
        catch
        {
            // Unknown whether it is stored, and another silo may have made one: nothing is signed with a key that may be gone.
            storage.State = new WebhookKeyState();
            DeactivateOnIdle();
            throw;
        }
    }
}

public sealed record WebhookKeyState
{
    public int Schema { get; init; } = 1;
    /// <summary>The private key, 32 bytes in base64; empty before there is one.</summary>
    public string Seed { get; init; } = "";
    public DateTimeOffset Created { get; init; }

    // A record prints its parts; this one must not.
    public override string ToString() => $"webhook key of {Created:O}";
}
