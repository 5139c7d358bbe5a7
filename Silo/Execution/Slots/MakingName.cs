using System.Globalization;

namespace Builds.Execution.Slots;

/// <summary>What is made beside the builds of a silo, by <c>builds image</c> or a trial, bears the number of its process: it is not left over while that lives.</summary>
internal static class MakingName
{
    private static readonly string[] Kinds = ["image-", "trial-"];

    public static string Of(string kind) => string.Create(CultureInfo.InvariantCulture, $"{kind}-{Environment.ProcessId}");

    /// <summary>Whether a name is that of something which another living process makes.</summary>
    public static bool IsAlive(string name) => Kinds.Any(kind => name.StartsWith(kind, StringComparison.Ordinal)
        && int.TryParse(name[kind.Length..].Split('-')[0], CultureInfo.InvariantCulture, out var process)
        && process != Environment.ProcessId && Directory.Exists($"/proc/{process}"));
}
