using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Builds.Manifests;

namespace Builds.Execution;

/// <summary>
/// What a manifest asks for and this version does not do. Nothing of it is ignored in silence: the setup log says it, and where
/// a build cannot be right without it, the build fails in setup. The plan of a dry run says the same.
/// </summary>
public static class SetupRules
{
    private const string Host = "host";

    /// <summary>What a build goes on without: the key, and what was asked of it; never a value that may be private.</summary>
    /// <param name="manifest">An accepted manifest.</param>
    /// <param name="secrets">Whether the build may use its owner's secrets; without, those of the manifest are left out by the contract.</param>
    public static ImmutableArray<string> NotDone(BuildManifest manifest, bool secrets)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var lines = ImmutableArray.CreateBuilder<string>();
        if (!string.IsNullOrEmpty(manifest.Arch) && !IsOfThisMachine(manifest.Arch)) lines.Add($"arch: {manifest.Arch}");
        if (!manifest.Secrets.IsEmpty && !secrets) lines.Add("secrets: the job was submitted without them");
        if (!string.IsNullOrEmpty(manifest.OAuth) && !secrets) lines.Add("oauth: the job was submitted without secrets");
        return lines.ToImmutable();
    }

    /// <summary>Whether an architecture, by either of its usual names, is the one that builds have here.</summary>
    private static bool IsOfThisMachine(string arch) => RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => arch is "x86_64" or "amd64",
        Architecture.Arm64 => arch is "aarch64" or "arm64",
        _ => false,
    };

    /// <summary>One sentence for each reason why a build cannot start; empty if it can.</summary>
    /// <param name="manifest">An accepted manifest.</param>
    public static ImmutableArray<string> Failures(BuildManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var reasons = ImmutableArray.CreateBuilder<string>();
        if (manifest.Image == Host && (!manifest.Packages.IsEmpty || !manifest.Repositories.IsEmpty))
            reasons.Add($"packages: image host is the machine itself, where builds install nothing; install {string.Join(", ", manifest.Packages.Concat(manifest.Repositories.Select(r => r.Key)))} on it and take the key out of the manifest, or choose another image");
        reasons.AddRange(BuildScripts.Refusals(manifest));
        reasons.AddRange(manifest.Sources.Select(SourceReference.Parse).OfType<SourceResult.Refused>().Select(refused => refused.Reason));
        return reasons.ToImmutable();
    }
}
