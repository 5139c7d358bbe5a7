using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Builds.Execution.Sandbox;

namespace Builds.Images;

/// <summary>What runs the builds of an image.</summary>
public enum ImageDriver
{
    /// <summary>Bubblewrap, in the image's root file system.</summary>
    Bubblewrap,
    /// <summary>Podman, in the image's root file system.</summary>
    Podman,
}

/// <summary>What the builds of an image reach.</summary>
public enum ImageNetwork
{
    /// <summary>Whatever this machine reaches, but not the machine itself, its services, or metadata addresses; by a network of the build's own.</summary>
    Nat,
    /// <summary>Nothing but the build itself.</summary>
    None,
    /// <summary>What this machine reaches, as one of its own programs: its services on loopback too.</summary>
    Host,
}

/// <summary>
/// An image of this machine: a name that manifests use, bound to a driver and to the layers of a root file system. Kept as
/// <c>images/NAME/image.json</c> in the data directory; a property that is added needs a default that is right for older files.
/// </summary>
public sealed partial record Image
{
    /// <summary>The name of the machine's own system, which is always there and never a file.</summary>
    public const string Host = "host";

    /// <summary>The user that builds are, unless the image has another one for them.</summary>
    public const uint DefaultUser = 1000;

    public required string Name { get; init; }
    public required ImageDriver Driver { get; init; }

    /// <summary>Directories of this machine, the topmost first. The last one is the stock image.</summary>
    public required ImmutableArray<string> Layers { get; init; }

    /// <summary>What was derived from the stock image, above <see cref="Layers"/>; null: nothing was.</summary>
    public DerivedLayer? Derived { get; init; }

    /// <summary>What it was made of: an absolute path, or a reference of an OCI registry.</summary>
    public required string Source { get; init; }

    /// <summary>The digest of an OCI image; null for a root file system.</summary>
    public string? Digest { get; init; }

    /// <summary>The number of user <c>build</c> inside.</summary>
    public uint User { get; init; } = DefaultUser;

    /// <summary>Whom of this machine the files of root belong to, in the layers that are this image's own: 0, unless a silo made it that is not root.</summary>
    public uint Root { get; init; }

    public ImageNetwork Network { get; init; }

    /// <summary>Written at the head of every task instead of the usual preamble, for images without bash; null: the usual one.</summary>
    public string? Preamble { get; init; }

    /// <summary>A shell command that installs the packages which are its arguments; null: by the package manager that the image has.</summary>
    public string? Install { get; init; }

    /// <summary>What the silo made it by when a build wanted it; null: somebody added it.</summary>
    public ImageOrder? Order { get; init; }

    public required DateTimeOffset Added { get; init; }

    /// <summary>Whether a layer has a file of this absolute path.</summary>
    public bool Has(string path) => Layers.Append(Derived?.Directory).OfType<string>().Any(layer => File.Exists(RealPath.In(layer, path)));

    /// <summary>Null if an image may be called that, else what is wrong with it (contract/manifest section 2).</summary>
    public static string? Mistake(string name) =>
        name == Host ? $"'{Host}' is this machine itself and needs no image"
        : name.Length <= 128 && Shape().IsMatch(name) && !name.Split('/').Any(part => part is "" or "." or "..") ? null
        : $"'{name}' is no name for an image: a-z, 0-9, '.', '_', '-' and '/', the first a letter or a digit, at most 128, as in debian/stable";

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._/-]*\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Shape();
}

/// <summary>A layer that was written by a sandbox, whose files belong to the users that it had.</summary>
/// <param name="First">The number of its root on disk.</param>
public sealed record DerivedLayer(string Directory, uint First);
