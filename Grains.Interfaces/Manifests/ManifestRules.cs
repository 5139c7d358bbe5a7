using System.Text;

namespace Builds.Manifests;

/// <summary>The rules of single values: each returns what is wrong, or null. Texts begin as the original's do.</summary>
public static class ManifestRules
{
    /// <summary>Characters of a task's name.</summary>
    public const int MaxTaskName = 128;

    /// <summary>Bytes of a secret's name or id, exclusive on both sides.</summary>
    private const int ShortSecret = 3, LongSecret = 512;

    public static string? CheckTaskName(string name)
    {
        if (name.Length is > 0 and <= MaxTaskName && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-'))
            return null;
        return $"invalid task name '{ManifestErrors.Shorten(name)}': use 1 to {MaxTaskName} of a-z, 0-9, _ and -";
    }

    /// <summary>A secret is named by its UUID or by a name; every written form of a UUID has a length that a name may have.</summary>
    public static string? CheckSecret(string name)
    {
        var bytes = Encoding.UTF8.GetByteCount(name);
        return bytes is > ShortSecret and < LongSecret
            ? null
            : $"invalid UUID length: {bytes}: give a secret's UUID, or its name of {ShortSecret + 1} to {LongSecret - 1} bytes";
    }

    /// <summary>Grants are <c>SERVICE/SCOPE</c> or <c>SERVICE/SCOPE:RO</c> or <c>:RW</c>, with blanks between them.</summary>
    public static string? CheckOAuth(string grants)
    {
        foreach (var grant in grants.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var shown = ManifestErrors.Shorten(grant);
            var parts = grant.Split('/');
            if (parts.Length != 2 || parts[0].Length == 0)
                return $"OAuth grant '{shown}' without service/scope format: write for example pages.sr.ht/PAGES:RW";
            var access = parts[1].Split(':');
            if (access.Length > 2 || access[0].Length == 0 || access is [_, not ("RO" or "RW")])
                return $"OAuth grant '{shown}' has an invalid access level: write SERVICE/SCOPE:RO or SERVICE/SCOPE:RW";
        }
        return null;
    }

    public static string? CheckTrigger(Trigger trigger)
    {
        ArgumentNullException.ThrowIfNull(trigger);
        return trigger.Action switch
        {
            "email" => Has(trigger, "to") || Has(trigger, "cc") ? null : "email trigger requires 'to' or 'cc'",
            "webhook" => Has(trigger, "url") ? null : "webhook trigger requires 'url'",
            _ => $"unknown trigger type '{ManifestErrors.Shorten(trigger.Action)}': use email or webhook",
        };
    }

    private static bool Has(Trigger trigger, string key) => trigger.Settings.Any(setting => setting.Key == key && setting.Value.Length > 0);
}
