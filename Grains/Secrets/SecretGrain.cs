using Builds.Storage;
using Microsoft.Extensions.Logging;

namespace Builds.Secrets;

public sealed partial class SecretGrain(
    [PersistentState("secret", StorageNames.Provider)] IPersistentState<SecretState> storage,
    ISecretVault vault,
    TimeProvider clock,
    ILogger<SecretGrain> logger) : Grain, ISecretGrain
{
    private SecretKey Key => SecretKey.Of(this.GetPrimaryKeyString());

    public async Task<SecretInfo> Create(SecretGrant grant)
    {
        if (!storage.State.Exists())
        {
            await Commit(new SecretState
            {
                Id = grant.Id,
                Owner = Key.Owner,
                Type = grant.Type,
                Name = grant.Name,
                Path = grant.Path,
                Mode = grant.Mode,
                FromUser = grant.FromUser,
                Created = clock.GetUtcNow(),
                Sealed = grant.Sealed,
            });
            LogCreated(Key.Uuid, Key.Owner, grant.Type.Word(), grant.FromUser ?? Key.Owner);
        }

        return Info();
    }

    public Task<SecretInfo?> Get()
    {
        // Guessed ones must not pile up in memory.
        if (!storage.State.Exists())
            DeactivateOnIdle();
        return Task.FromResult(storage.State.Exists() ? Info() : null);
    }

    public async Task<SecretInfo?> Share(string user, int id)
    {
        var secret = storage.State;
        if (!secret.Exists())
            return null;
        var copy = Key with { Owner = user };
        var value = await vault.Seal(copy, await vault.Open(Key, secret.Sealed));
        return await GrainFactory.GetGrain<ISecretGrain>(copy.GrainKey)
            .Create(new SecretGrant(id, secret.Type, secret.Name, secret.Path, secret.Mode, Key.Owner, value));
    }

    public async Task<bool> Remove()
    {
        if (!storage.State.Exists())
            return false;
        try
        {
            await storage.ClearStateAsync();
        }
        finally
        {
            // Whatever became of it, the next call reads it again.
            storage.State = new SecretState();
            DeactivateOnIdle();
        }

        LogRemoved(Key.Uuid, Key.Owner);
        return true;
    }

    public async Task<bool> Reseal()
    {
        if (!storage.State.Exists())
            return false;
        await Commit(storage.State with { Sealed = await vault.Seal(Key, await vault.Open(Key, storage.State.Sealed)) });
        return true;
    }

    private SecretInfo Info() => storage.State.ToInfo(this.GetPrimaryKeyString());

    private async Task Commit(SecretState next)
    {
        var known = storage.State;
        storage.State = next;
        try
        {
            await storage.WriteStateAsync();
        }
        catch
        {
            // Unknown whether it is stored: the next call reads it again.
            storage.State = known;
            DeactivateOnIdle();
            throw;
        }
    }

    [LoggerMessage(EventId = 1800, Level = LogLevel.Information, Message = "Secret {Uuid} of {Owner}: a {Type} is kept, given by {Giver}")]
    private partial void LogCreated(string uuid, string owner, string type, string giver);

    [LoggerMessage(EventId = 1801, Level = LogLevel.Information, Message = "Secret {Uuid} of {Owner}: removed")]
    private partial void LogRemoved(string uuid, string owner);
}
