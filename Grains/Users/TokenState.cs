using System.Collections.Immutable;

namespace Builds.Users;

/// <summary>The stored record of a token: its hash is the key, its text is nowhere. Replaced whole, never changed in place.</summary>
public sealed record TokenState
{
    public int Schema { get; init; } = 1;
    /// <summary>Without the tilde; empty if there is no such token.</summary>
    public string User { get; init; } = "";
    public bool IsAdmin { get; init; }
    public ImmutableArray<string> Scopes { get; init; } = [];
    public string Prefix { get; init; } = "";
    public DateTimeOffset Created { get; init; }
    public DateTimeOffset? Expires { get; init; }
    public DateTimeOffset? Revoked { get; init; }
    public DateTimeOffset? LastUsed { get; init; }

    public bool Exists() => User.Length > 0;

    /// <param name="grainKey">Under which it is stored.</param>
    public TokenInfo ToInfo(string grainKey) =>
        new(TokenText.IdOf(grainKey), User, IsAdmin, Scopes, Prefix, Created, Expires, Revoked, LastUsed);

    /// <summary>Whether it opens doors at this moment.</summary>
    public bool IsValid(DateTimeOffset now) => Exists() && Revoked is null && (Expires is null || now < Expires);
}
