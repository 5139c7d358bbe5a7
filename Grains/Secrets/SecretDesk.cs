using Builds.Jobs;
using Builds.Triggers;
using Builds.Users;
using Microsoft.Extensions.Logging;

namespace Builds.Secrets;

internal sealed partial class SecretDesk(
    IGrainFactory grains, ISecretCatalogue catalogue, ITokenCatalogue tokens, ISecretVault vault, ILogger<SecretDesk> logger) : ISecretDesk
{
    public async Task<SecretAnswer> Keep(string owner, NewSecret secret, CancellationToken cancellationToken)
    {
        var kept = await catalogue.Of(owner, cancellationToken);
        if (secret.Name is not null && kept.FirstOrDefault(other => other.Info.Name == secret.Name && other.Info.FromUser is null) is { } known)
            return new SecretAnswer.Refused("name", $"you have a secret of that name already, {known.Info.Uuid}: remove it first, or choose another name");
        if (kept.Length >= SecretRules.MostPerOwner)
            return new SecretAnswer.Refused("type", $"you have {kept.Length} secrets, and nobody may have more than {SecretRules.MostPerOwner}: remove some first");

        var key = new SecretKey(owner, Guid.NewGuid().ToString("D"));
        var grant = new SecretGrant(await NextId(), secret.Type, secret.Name, secret.Path, secret.Mode, FromUser: null, await vault.Seal(key, secret.Value));
        return new SecretAnswer.Done(await grains.GetGrain<ISecretGrain>(key.GrainKey).Create(grant));
    }

    public async Task<SecretAnswer> Share(SecretKey secret, string user, CancellationToken cancellationToken)
    {
        var grain = grains.GetGrain<ISecretGrain>(secret.GrainKey);
        if (await grain.Get() is null)
            return new SecretAnswer.NotFound();
        if (user == secret.Owner)
            return new SecretAnswer.Refused("user", "this secret is yours already: name somebody else");
        if ((await tokens.List(user, cancellationToken)).IsEmpty)
            return new SecretAnswer.Refused("user", "No such user");
        if ((await catalogue.Of(user, cancellationToken)).Length >= SecretRules.MostPerOwner)
            return new SecretAnswer.Refused("user", $"~{user} has as many secrets as anybody may have");

        return await grain.Share(user, await NextId()) is { } copy ? new SecretAnswer.Done(copy) : new SecretAnswer.NotFound();
    }

    public async Task<int> RotateKeys(CancellationToken cancellationToken)
    {
        await vault.NewKey();
        // After the key: what is kept from here on is sealed with it, and what was before is in the list.
        var secrets = await catalogue.All(cancellationToken);
        var resealed = 0;
        foreach (var secret in secrets)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (await grains.GetGrain<ISecretGrain>(secret.GrainKey).Reseal())
                resealed++;
        }

        await grains.GetGrain<IWebhookKeyGrain>(IWebhookKeyGrain.Key).Reseal();
        LogRotated(resealed);
        return resealed;
    }

    private async Task<int> NextId() => (await grains.GetGrain<IJobIdGrain>(IJobIdGrain.Secrets).Next()).Value;

    [LoggerMessage(EventId = 1802, Level = LogLevel.Information, Message = "A new key for secrets was made, and {Count} secrets sealed with it")]
    private partial void LogRotated(int count);
}
