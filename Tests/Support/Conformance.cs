using System.Text;

namespace Builds.Tests;

/// <summary>
/// The shared conformance cases, in <c>../shared/conformance</c> beside the repository. They are not part of the repository: a test that
/// needs them is skipped where they are absent, and fails where CI=true.
/// </summary>
public static class Conformance
{
    public static string Folder { get; } = Path.GetFullPath(Repository.PathOf("..", "shared", "conformance"));

    public static string? SkipReason { get; } =
        Directory.Exists(Folder) || Environment.GetEnvironmentVariable("CI") == "true"
            ? null
            : "the conformance cases are not there: ../shared/conformance beside the repository";

    /// <summary>Rows of a tab-separated file with quoted fields, by column name. Empty if the folder is absent and may be.</summary>
    public static IReadOnlyList<IReadOnlyDictionary<string, string>> Rows(string file)
    {
        if (SkipReason is not null)
            return [];
        var rows = Fields(File.ReadAllText(Path.Combine(Folder, file)));
        return rows.Skip(1).Select(row => rows[0].Zip(row).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal)).ToList();
    }

    private static List<List<string>> Fields(string text)
    {
        var rows = new List<List<string>> { new() };
        var field = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"' && quoted && i + 1 < text.Length && text[i + 1] == '"')
                field.Append(text[i++]);
            else if (text[i] == '"')
                quoted = !quoted;
            else if (!quoted && text[i] is '\t' or '\n')
            {
                rows[^1].Add(field.ToString());
                field.Clear();
                if (text[i] == '\n')
                    rows.Add([]);
            }
            else
                field.Append(text[i]);
        }
        return rows.Where(row => row.Count > 0).ToList();
    }
}

/// <summary>A fact that reads <see cref="Conformance.Folder"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ConformanceFactAttribute : FactAttribute
{
    public ConformanceFactAttribute() => Skip = Conformance.SkipReason;
}

/// <summary>A theory whose rows come from <see cref="Conformance.Folder"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ConformanceTheoryAttribute : TheoryAttribute
{
    public ConformanceTheoryAttribute() => Skip = Conformance.SkipReason;
}
