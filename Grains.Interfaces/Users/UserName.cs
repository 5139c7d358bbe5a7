using System.Text.RegularExpressions;

namespace Builds.Users;

/// <summary>What a user may be called, without the tilde.</summary>
public static partial class UserName
{
    /// <summary>Null if the name is good, else what is wrong with it.</summary>
    public static string? Mistake(string name) => Shape().IsMatch(name)
        ? null
        : $"'{name}' is no user name: 1 to 30 characters of a-z, 0-9, _ and -, the first one a letter or _";

    [GeneratedRegex(@"\A[a-z_][a-z0-9_-]{0,29}\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Shape();
}
