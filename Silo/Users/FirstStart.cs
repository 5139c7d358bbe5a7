using Builds.Cluster;

namespace Builds.Users;

/// <summary>The admin user and his token, which the first start of a data directory makes.</summary>
internal static class FirstStart
{
    /// <summary>Without the tilde.</summary>
    public const string Admin = "admin";

    /// <summary>
    /// Makes sure that there is an admin token: first in its file, durably, then in the database. A start that is killed in between is
    /// completed by the next one, which finds the file.
    /// </summary>
    public static async Task<AdminAccess> EnsureAdmin(DataDirectory data, IGrainFactory grains)
    {
        var isNew = !File.Exists(data.AdminToken);
        if (isNew)
        {
            DurableFile.Write(data.AdminToken, TokenText.Create() + "\n");
            KillPoint.Reached("admin.token-kept");
        }

        var token = (await File.ReadAllTextAsync(data.AdminToken)).Trim();
        if (token.Length < TokenText.PrefixLength || token.Any(letter => letter is <= ' ' or >= '\x7f'))
            throw new DataDirectoryException($"{data.AdminToken} holds no token. Delete it: the next start makes a new one.");

        var grain = grains.GetGrain<ITokenGrain>(TokenText.GrainKey(TokenText.Id(token)));
        var known = await grain.Create(new TokenGrant(Admin, IsAdmin: true, ["*"], TokenText.Prefix(token), Expires: null));
        KillPoint.Reached("admin.token-granted");
        return new AdminAccess(token, isNew, known.Revoked is not null);
    }
}

/// <param name="Token">The token's text: for a person's eyes, never for a log.</param>
/// <param name="IsNew">Made by this start.</param>
/// <param name="IsRevoked">It opens nothing any more.</param>
internal sealed record AdminAccess(string Token, bool IsNew, bool IsRevoked)
{
    // A record prints its parts; this one must not.
    public override string ToString() => $"admin token, new: {IsNew}, revoked: {IsRevoked}";
}
