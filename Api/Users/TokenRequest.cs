using System.Collections.Immutable;
using Builds.Requests;

namespace Builds.Users;

/// <summary>Reads and validates what POST /api/tokens sends.</summary>
internal static class TokenRequest
{
    /// <summary>The grant for the token <paramref name="text"/>, or null when <paramref name="fields"/> has collected mistakes.</summary>
    /// <param name="caller">An admin. Only a token for himself carries his rights, and none carries a scope that his own lacks.</param>
    public static TokenGrant? Read(RequestFields fields, Caller caller, string text, DateTimeOffset now)
    {
        var named = fields.RequiredText("user");
        var user = named?.TrimStart('~');
        if (!string.IsNullOrEmpty(named) && UserName.Mistake(user!) is { } mistake)
            fields.Refuse("user", mistake);
        var scopes = ReadScopes(fields, caller);
        var days = fields.Whole("days");
        if (days is < 1 or > TokenGrant.MaxDays)
            fields.Refuse("days", $"days must be 1 to {TokenGrant.MaxDays}, not {days}: leave it out for a token that never expires");

        return fields.IsValid
            ? new TokenGrant(user!, caller.IsAdmin && user == caller.User, scopes, TokenText.Prefix(text), days is null ? null : now.AddDays(days.Value))
            : null;
    }

    private static ImmutableArray<string> ReadScopes(RequestFields fields, Caller caller)
    {
        var list = fields.List("scopes") ?? [];
        var scopes = list.OfType<FieldValue.Text>().Select(scope => scope.Value).Distinct().ToImmutableArray();
        if (list.Length == 0)
            fields.Refuse("scopes", "scopes is required: for example [\"jobs:read\", \"jobs:write\"]");
        else if (list.Any(scope => scope is not FieldValue.Text))
            fields.Refuse("scopes", "scopes should be a list of str");
        foreach (var scope in scopes)
        {
            if (Scopes.Mistake(scope) is { } mistake)
                fields.Refuse("scopes", mistake);
            else if (!caller.Covers(scope))
                fields.Refuse("scopes", $"your own token does not have the scope {scope}, so it cannot grant it");
        }

        return scopes;
    }
}
