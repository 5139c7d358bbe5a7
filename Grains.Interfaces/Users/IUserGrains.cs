using System.Collections.Immutable;

namespace Builds.Users;

/// <summary>Who is asking, once a door has authenticated him. Every kind of token ends as one of these.</summary>
/// <param name="User">Without the tilde.</param>
/// <param name="Scopes">As granted, for example <c>jobs:read</c>, <c>jobs:write</c> or <c>*</c>.</param>
[GenerateSerializer, Immutable, Alias("Caller")]
public sealed record Caller(
    [property: Id(0)] string User,
    [property: Id(1)] bool IsAdmin,
    [property: Id(2)] ImmutableArray<string> Scopes);

/// <summary>
/// One opaque token, keyed <c>token-</c> + the lower-case hex SHA-512 of its text. The text itself is stored nowhere.
/// </summary>
[Alias("ITokenGrain")]
public interface ITokenGrain : IGrainWithStringKey
{
    /// <summary>Stores the token. A repeat changes nothing.</summary>
    [Alias("Create")]
    Task<TokenInfo> Create(TokenGrant grant);

    /// <summary>The caller that the token stands for; null if it is unknown, revoked or expired. Notes the time of use.</summary>
    [Alias("Authenticate")]
    Task<Caller?> Authenticate();

    /// <summary>What is known of the token, revoked and expired ones too; null if there is none.</summary>
    [Alias("Get")]
    Task<TokenInfo?> Get();

    /// <summary>Ends the token, at once and for good. False if there is none. A repeat does nothing.</summary>
    [Alias("Revoke")]
    Task<bool> Revoke();

    /// <summary>As <see cref="Revoke"/>, and no list has it any more: for tokens that nobody made by hand.</summary>
    [Alias("Remove")]
    Task<bool> Remove();
}

/// <param name="Prefix">The first 8 characters of the token's text, to tell tokens apart.</param>
[GenerateSerializer, Immutable, Alias("TokenGrant")]
public sealed record TokenGrant(
    [property: Id(0)] string User,
    [property: Id(1)] bool IsAdmin,
    [property: Id(2)] ImmutableArray<string> Scopes,
    [property: Id(3)] string Prefix,
    [property: Id(4)] DateTimeOffset? Expires)
{
    /// <summary>How long a token may be good for: a hundred years. One that never expires has no end at all.</summary>
    public const int MaxDays = 36_500;
}

/// <param name="Id">The lower-case hex SHA-512 of the token's text.</param>
[GenerateSerializer, Immutable, Alias("TokenInfo")]
public sealed record TokenInfo(
    [property: Id(0)] string Id,
    [property: Id(1)] string User,
    [property: Id(2)] bool IsAdmin,
    [property: Id(3)] ImmutableArray<string> Scopes,
    [property: Id(4)] string Prefix,
    [property: Id(5)] DateTimeOffset Created,
    [property: Id(6)] DateTimeOffset? Expires,
    [property: Id(7)] DateTimeOffset? Revoked,
    [property: Id(8)] DateTimeOffset? LastUsed);
