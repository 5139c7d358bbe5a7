using System.Security.Cryptography;
using System.Text;
using Builds.Secrets;
using Builds.Storage;
using Org.BouncyCastle.Crypto.Parameters;

namespace Builds.Triggers;

/// <summary>Signs with the library's Ed25519, which .NET itself does not have.</summary>
public sealed class WebhookKeyGrain(
    [PersistentState("webhookkey", StorageNames.Provider)] IPersistentState<WebhookKeyState> storage,
    ISecretVault vault,
    TimeProvider clock) : Grain, IWebhookKeyGrain
{
    private const int NonceBytes = 8;

    /// <summary>What it is sealed as: no user has a secret of that name.</summary>
    private static readonly SecretKey Secret = new("builds", "webhook-key");

    private Ed25519PrivateKeyParameters? key;

    public async Task<string> PublicKey() => Convert.ToBase64String((await Private()).GeneratePublicKey().GetEncoded());

    public async Task<WebhookSignature> Sign(string body, string occasion)
    {
        var signer = await Private();
        // Nobody outside can foretell it, and nothing has to be kept for the next try to have the same one.
        var nonce = Convert.ToHexStringLower(HMACSHA256.HashData(signer.GetEncoded(), Encoding.UTF8.GetBytes(occasion)).AsSpan(0, NonceBytes));
        var signed = Encoding.UTF8.GetBytes(body + nonce);
        var signature = new byte[Ed25519PrivateKeyParameters.SignatureSize];
        signer.Sign(Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.Algorithm.Ed25519, ctx: null, signed, 0, signed.Length, signature, 0);
        return new WebhookSignature(nonce, Convert.ToBase64String(signature));
    }

    public async Task Reseal() => await Keep(await Seed());

    private async Task<Ed25519PrivateKeyParameters> Private() => key ??= new Ed25519PrivateKeyParameters(Convert.FromBase64String(await Seed()));

    private async Task<string> Seed()
    {
        if (storage.State.Sealed.Length > 0)
            return await vault.Open(Secret, storage.State.Sealed);
        // Of a version that did not seal it, or new.
        var seed = storage.State.Seed.Length > 0 ? storage.State.Seed : Convert.ToBase64String(RandomNumberGenerator.GetBytes(Ed25519PrivateKeyParameters.KeySize));
        await Keep(seed);
        return seed;
    }

    private async Task Keep(string seed)
    {
        var known = storage.State;
        storage.State = new WebhookKeyState { Sealed = await vault.Seal(Secret, seed), Created = storage.RecordExists ? known.Created : clock.GetUtcNow() };
        try
        {
            await storage.WriteStateAsync();
        }
        catch
        {
            // Unknown whether it is stored, and another silo may have made one: nothing is signed with a key that may be gone.
            storage.State = known;
            DeactivateOnIdle();
            throw;
        }
    }
}

public sealed record WebhookKeyState
{
    public int Schema { get; init; } = 2;
    /// <summary>The private key, 32 bytes in base64, as the vault sealed it; empty before there is one.</summary>
    public string Sealed { get; init; } = "";
    /// <summary>Of schema 1, which had it plain; sealed when it is used next.</summary>
    public string Seed { get; init; } = "";
    public DateTimeOffset Created { get; init; }

    // A record prints its parts; this one must not.
    public override string ToString() => $"webhook key of {Created:O}";
}
