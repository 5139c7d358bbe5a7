using System.Collections.Immutable;

namespace Builds.Users;

/// <summary>A token that was made just now: the only answer that ever has its text.</summary>
/// <param name="Id">The SHA-512 of the text, 128 lower-case hex digits: what the service keeps of it.</param>
/// <param name="Token">The text, to be sent as <c>Authorization: Bearer TEXT</c>.</param>
/// <param name="User">Without the tilde.</param>
/// <param name="Expires">Null: never.</param>
public sealed record NewTokenModel(string Id, string Token, string User, ImmutableArray<string> Scopes, string Created, string? Expires)
{
    public static NewTokenModel From(TokenInfo token, string text) =>
        new(token.Id, text, token.User, token.Scopes, ApiTime.Text(token.Created), ApiTime.Text(token.Expires));

    // A record prints its parts; this one must not.
    public override string ToString() => $"token {Id} of {User}";
}

/// <summary>What is known of a token.</summary>
/// <param name="Id">The SHA-512 of its text, 128 lower-case hex digits.</param>
/// <param name="Prefix">The first 8 characters of its text.</param>
/// <param name="User">Without the tilde.</param>
/// <param name="Admin">Whether it carries the rights of an admin.</param>
/// <param name="Expires">Null: never.</param>
/// <param name="Revoked">Null while it was not revoked.</param>
/// <param name="LastUsed">Within a minute; null if it never was.</param>
public sealed record TokenModel(
    string Id, string Prefix, string User, bool Admin, ImmutableArray<string> Scopes, string Created, string? Expires, string? Revoked, string? LastUsed)
{
    public static TokenModel From(TokenInfo token) => new(
        token.Id,
        token.Prefix,
        token.User,
        token.IsAdmin,
        token.Scopes,
        ApiTime.Text(token.Created),
        ApiTime.Text(token.Expires),
        ApiTime.Text(token.Revoked),
        ApiTime.Text(token.LastUsed));
}

/// <param name="Results">Oldest first; revoked and expired ones too.</param>
public sealed record TokenList(ImmutableArray<TokenModel> Results);
