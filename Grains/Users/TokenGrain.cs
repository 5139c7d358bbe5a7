using Builds.Storage;
using Microsoft.Extensions.Logging;

namespace Builds.Users;

public sealed partial class TokenGrain(
    [PersistentState("token", StorageNames.Provider)] IPersistentState<TokenState> storage,
    TimeProvider clock,
    ILogger<TokenGrain> logger) : Grain, ITokenGrain
{
    /// <summary>The time of use is stored at most this often: it informs people, and must not cost a write per request.</summary>
    private static readonly TimeSpan UseInterval = TimeSpan.FromMinutes(1);

    /// <summary>
    /// A silo that was cut off may keep a second activation for a while, which hears of no revocation: what is in memory is believed for
    /// no longer than this.
    /// </summary>
    private static readonly TimeSpan Believed = TimeSpan.FromSeconds(5);

    private long read;
    private DateTimeOffset? used;
    private DateTimeOffset? tried;
    private IGrainTimer? useTimer;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        read = clock.GetTimestamp();
        return Task.CompletedTask;
    }

    public async Task<TokenInfo> Create(TokenGrant grant)
    {
        if (!storage.State.Exists())
        {
            await Commit(new TokenState
            {
                User = grant.User,
                IsAdmin = grant.IsAdmin,
                Scopes = grant.Scopes,
                Prefix = grant.Prefix,
                Expires = grant.Expires,
                Created = clock.GetUtcNow(),
            });
        }

        return Info();
    }

    public async Task<Caller?> Authenticate()
    {
        if (storage.State.Exists() && clock.GetElapsedTime(read) >= Believed)
            await Refresh();
        var token = storage.State;
        var now = clock.GetUtcNow();
        if (!token.IsValid(now))
        {
            // Guessed tokens must not pile up in memory.
            if (!token.Exists())
                DeactivateOnIdle();
            return null;
        }

        NoteUse(now);
        return new Caller(token.User, token.IsAdmin, token.Scopes);
    }

    private async Task Refresh()
    {
        // Before the answer, and whatever it is: while the database is away it is asked once in that time and not by every request.
        read = clock.GetTimestamp();
        try
        {
            await storage.ReadStateAsync();
        }
        catch (Exception error)
        {
            // Nobody can revoke it either while the database is away; who is cut off alone is believed until the others have noticed.
            LogNotRefreshed(error, storage.State.Prefix);
        }
    }

    public Task<TokenInfo?> Get() => Task.FromResult(storage.State.Exists() ? Info() : null);

    public async Task<bool> Revoke()
    {
        if (!storage.State.Exists())
            return false;
        if (storage.State.Revoked is null)
            await Commit(storage.State with { Revoked = clock.GetUtcNow(), LastUsed = used ?? storage.State.LastUsed });
        return true;
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
            storage.State = new TokenState();
            DeactivateOnIdle();
        }

        return true;
    }

    private TokenInfo Info() => storage.State.ToInfo(this.GetPrimaryKeyString()) with { LastUsed = used ?? storage.State.LastUsed };

    // The first use is stored soon, the others when the interval is over. In a turn of its own, so that nobody waits for it.
    private void NoteUse(DateTimeOffset now)
    {
        used = now;
        if (useTimer is null && ((tried ?? storage.State.LastUsed) is not { } last || now - last >= UseInterval))
            useTimer = this.RegisterGrainTimer(StoreUse, new GrainTimerCreationOptions(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
    }

    private async Task StoreUse(CancellationToken cancellationToken)
    {
        useTimer?.Dispose();
        useTimer = null;
        if (!storage.State.Exists() || storage.State.Revoked is not null || used is null)
            return;
        // Tried, not stored: while storage refuses to write, nobody is helped by an error for every request.
        tried = used;
        try
        {
            await Commit(storage.State with { LastUsed = used });
        }
        catch (Exception error)
        {
            // The token works on; the time of use is stored with a later one.
            LogUseLost(error, storage.State.Prefix);
        }
    }

    private async Task Commit(TokenState next)
    {
        var known = storage.State;
        storage.State = next;
        try
        {
            await storage.WriteStateAsync();
            KillPoint.Reached("token.stored");
        }
        catch
        {
            // Unknown whether it is stored: forget what we believe and read it again.
            storage.State = known;
            await ReadAgain();
            throw;
        }
    }

    private async Task ReadAgain()
    {
        try
        {
            await storage.ReadStateAsync();
        }
        catch (Exception)
        {
            // The next call reads it, or fails by itself. What is told now is why the write failed.
            DeactivateOnIdle();
        }
    }

    [LoggerMessage(EventId = 1509, Level = LogLevel.Warning, Message = "Token {Prefix} could not be read again; what is known of it holds")]
    private partial void LogNotRefreshed(Exception error, string prefix);

    [LoggerMessage(EventId = 1500, Level = LogLevel.Warning, Message = "The time of use of token {Prefix} was not stored")]
    private partial void LogUseLost(Exception error, string prefix);
}
