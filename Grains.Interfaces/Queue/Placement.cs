using System.Text.RegularExpressions;

namespace Builds.Queue;

/// <summary>Where jobs may run: the rules that doors and settings share.</summary>
public static partial class Placement
{
    /// <summary>The pool of a job that names none, and of a worker whose settings name none.</summary>
    public const string DefaultPool = "default";

    public const int LowestPriority = -10;
    public const int HighestPriority = 10;

    /// <summary>How many labels a job or a worker may have.</summary>
    public const int MostLabels = 32;

    /// <summary>What a pool's name and a label must be, as a sentence's end.</summary>
    public const string NameRule = "must be 1 to 64 of lowercase letters, digits, '.', '_' and '-', and begin with a letter or digit";

    /// <summary>Whether <paramref name="text"/> can be a pool's name or a label: see <see cref="NameRule"/>.</summary>
    public static bool IsName(string text) => Name().IsMatch(text);

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._-]{0,63}\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Name();
}
