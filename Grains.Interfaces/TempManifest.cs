// Stand-in until the real one lands; delete this file then.
#pragma warning disable
using System.Collections.Immutable;
namespace Builds.Manifests
{
    public abstract record ManifestResult { public sealed record Accepted(BuildManifest Manifest) : ManifestResult; public sealed record Refused(ImmutableArray<string> Errors) : ManifestResult; }
    public static class ManifestParser { public static ManifestResult Parse(string text) => text.Contains("bad") ? new ManifestResult.Refused(["bad"]) : new ManifestResult.Accepted(new BuildManifest { Image = "host", Tasks = [new BuildTask("a", "true"), new BuildTask("b", "true")] }); }
}
