using Builds.Execution.Sandbox;

namespace Builds.Images;

/// <summary>What an image is to be made of.</summary>
public sealed record ImageOrder
{
    public required string Name { get; init; }
    public required ImageDriver Driver { get; init; }
    /// <summary>A directory, or an archive that tar can unpack; null: <see cref="Oci"/>.</summary>
    public string? RootFs { get; init; }
    /// <summary>What <c>podman pull</c> takes.</summary>
    public string? Oci { get; init; }
    public ImageNetwork Network { get; init; }
    /// <summary>The text itself.</summary>
    public string? Preamble { get; init; }
    public string? Install { get; init; }
    /// <summary>Nothing is installed into it.</summary>
    public bool Plain { get; init; }

    /// <summary>What runs an image unless somebody chose.</summary>
    public static ImageDriver DriverFor(string? oci) => oci is null || !SandboxMachine.IsRoot ? ImageDriver.Bubblewrap : ImageDriver.Podman;
}
