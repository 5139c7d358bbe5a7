using System.Collections.Immutable;
using Builds.Execution;
using Builds.Manifests;

namespace Builds.Commands;

/// <summary>What <c>builds run</c> changes about a manifest, whose text stays as it was written.</summary>
/// <param name="Image">Instead of the manifest's; null: the manifest's own.</param>
/// <param name="Environment">Added, or instead of variables of the same name.</param>
internal sealed record ManifestChanges(string? Image, ImmutableArray<KeyValuePair<string, string>> Environment)
{
    public BuildManifest Apply(BuildManifest manifest) => manifest with
    {
        Image = Image ?? manifest.Image,
        Environment =
        [
            .. manifest.Environment.Where(known => Environment.All(changed => changed.Key != known.Key)),
            .. Environment.Select(changed => KeyValuePair.Create<string, EnvironmentValue>(changed.Key, new EnvironmentValue.Text(changed.Value))),
        ],
    };
}

/// <summary>Runs plans with those changes, and so offers the image that the manifest names when another one takes its place.</summary>
internal sealed class RunExecutor(IBuildExecutor inner, BuildManifest manifest, ManifestChanges changes) : IBuildExecutor
{
    public ImmutableArray<string> Images => changes.Image is { } image && inner.Images.Contains(image)
        ? [.. inner.Images.Append(manifest.Image).Distinct()]
        : inner.Images;

    public Task<BuildOutcome> Run(BuildPlan plan, IBuildRecorder recorder, CancellationToken stop, CancellationToken kill) =>
        inner.Run(plan with { Manifest = changes.Apply(plan.Manifest) }, recorder, stop, kill);

    public void Renew(TimeSpan leaseEnd) => inner.Renew(leaseEnd);
}
