using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Builds.Images;

/// <summary>The images that manifests name everywhere (contract/manifest section 7): what other names they have, and where their stock images are.</summary>
internal static class KnownImages
{
    private static readonly FrozenDictionary<string, string> Aliases = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["alpine"] = "alpine/latest",
        ["archlinux/latest"] = "archlinux",
        ["debian"] = "debian/stable",
        ["debian/unstable"] = "debian/sid",
        ["ubuntu"] = "ubuntu/lts",
        ["ubuntu/noble"] = "ubuntu/24.04",
        ["ubuntu/jammy"] = "ubuntu/22.04",
        ["fedora"] = "fedora/latest",
        ["rockylinux"] = "rockylinux/latest",
        ["nixos"] = "nixos/unstable",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Where the stock image of a name is, for podman.</summary>
    public static FrozenDictionary<string, string> References { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["alpine/latest"] = "docker.io/library/alpine:latest",
        ["alpine/edge"] = "docker.io/library/alpine:edge",
        ["alpine/old"] = "docker.io/library/alpine:3.21",
        ["archlinux"] = "docker.io/library/archlinux:latest",
        ["debian/stable"] = "docker.io/library/debian:stable",
        ["debian/testing"] = "docker.io/library/debian:testing",
        ["debian/sid"] = "docker.io/library/debian:sid",
        ["debian/bookworm"] = "docker.io/library/debian:bookworm",
        ["debian/trixie"] = "docker.io/library/debian:trixie",
        ["ubuntu/lts"] = "docker.io/library/ubuntu:latest",
        ["ubuntu/22.04"] = "docker.io/library/ubuntu:22.04",
        ["ubuntu/24.04"] = "docker.io/library/ubuntu:24.04",
        ["fedora/latest"] = "registry.fedoraproject.org/fedora:latest",
        ["fedora/rawhide"] = "registry.fedoraproject.org/fedora:rawhide",
        ["rockylinux/latest"] = "docker.io/rockylinux/rockylinux:9",
        ["rockylinux/9"] = "docker.io/rockylinux/rockylinux:9",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>How the image of a name is made; null: it is none of these.</summary>
    public static ImageOrder? OrderOf(string name) =>
        References.TryGetValue(name, out var reference) ? new ImageOrder { Name = name, Driver = ImageOrder.DriverFor(reference), Oci = reference } : null;

    /// <summary>The name that stands behind another one; null: it is nobody's other name.</summary>
    public static string? Alias(string name) => Aliases.GetValueOrDefault(name);

    /// <summary>An image's name, and its other names that no image has for itself.</summary>
    public static IEnumerable<string> NamesOf(string name, IReadOnlyCollection<string> images) =>
        Aliases.Where(alias => alias.Value == name && !images.Contains(alias.Key)).Select(alias => alias.Key).Prepend(name);
}
