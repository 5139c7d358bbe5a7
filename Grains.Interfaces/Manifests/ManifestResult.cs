using System.Collections.Immutable;

namespace Builds.Manifests;

/// <summary>What <see cref="ManifestParser"/> found: a manifest, or every mistake that keeps the text from being one.</summary>
public abstract record ManifestResult
{
    private ManifestResult() { }

    public sealed record Accepted(BuildManifest Manifest) : ManifestResult;

    /// <param name="Errors">At least one, in the order of the text, at most <see cref="ManifestErrors.MaxErrors"/>.</param>
    public sealed record Refused(ImmutableArray<ManifestError> Errors) : ManifestResult;
}

/// <summary>One mistake in a manifest.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1, in characters.</param>
/// <param name="Message">What is wrong and what would be right; without the place.</param>
public sealed record ManifestError(int Line, int Column, string Message)
{
    public override string ToString() => $"line {Line}, column {Column}: {Message}";
}
