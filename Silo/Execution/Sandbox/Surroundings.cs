using System.Collections.Immutable;
using System.Globalization;
using Builds.Execution.Slots;
using Builds.Images;

namespace Builds.Execution.Sandbox;

/// <summary>What a sandbox has around it, whatever its driver: a disk of its own, limits, a network. Null or empty: it has none.</summary>
internal sealed record Surroundings
{
    public static readonly Surroundings None = new();

    /// <summary>Whether the slot holds a disk (<see cref="Slot.Space"/>) for it.</summary>
    public bool HasSpace { get; init; }

    /// <summary>The control groups whose limits hold for it.</summary>
    public ImmutableArray<string> Groups { get; init; } = [];

    /// <summary>Limits of each of its processes, where there is no control group, by the kernel's numbers.</summary>
    public ImmutableArray<(int What, long Limit)> ProcessLimits { get; init; } = [];

    /// <summary>The file of a network namespace; null: this machine's network.</summary>
    public string? Network { get; init; }

    /// <summary>Whether there is a network at all.</summary>
    public bool HasNetwork { get; init; } = true;

    /// <summary>The file that says who resolves names, as the sandbox tool sees it; null: nobody does.</summary>
    public string? Resolver { get; init; }

    /// <summary>The beginning of a command line, in whose namespaces the rest of it runs: where the silo must become root of an image first. Empty: it need not.</summary>
    public ImmutableArray<string> Within { get; init; } = [];

    /// <summary>Where the build's place, its image and the tools appear for the sandbox tool alone: an empty directory of any machine, open to all.</summary>
    private static readonly string At = new[] { "/mnt", "/srv", "/media", "/opt" }.FirstOrDefault(Directory.Exists) ?? "/tmp";

    /// <summary>Where the image's layers and the changes to them appear as one.</summary>
    public static string Root => $"{At}/root";

    public static string Tools => $"{At}/tools";

    /// <summary>The home of the build, as the sandbox tool sees it.</summary>
    public string Home(Slot slot, Image? image) => HasSpace || image is not null ? $"{At}/place/home" : slot.Home;

    /// <summary>A command line with all of this around it.</summary>
    public (string Program, ImmutableArray<string> Arguments) Around(IEnumerable<string> words, GuardProgram guard, string program, IEnumerable<string> arguments)
    {
        var (first, rest) = guard.Around(words, program, arguments);
        return Within.IsEmpty ? (first, rest) : (Within[0], [.. Within.Skip(1), first, .. rest]);
    }

    /// <summary>The words for <c>init enter</c>.</summary>
    /// <param name="image">Whose layers are shown with the slot's own users; null: none.</param>
    /// <param name="groups">Whether to join the control groups, which some drivers do by themselves.</param>
    public IEnumerable<string> Words(Slot slot, Image? image, GuardProgram program, bool groups = true)
    {
        if (groups)
            foreach (var group in Groups) yield return $"cgroup={group}";
        foreach (var (what, limit) in ProcessLimits) yield return string.Create(CultureInfo.InvariantCulture, $"limit={what}:{limit}");
        if (Network is not null) yield return $"net={Network}";
        if (!HasSpace && image is null) yield break;
        yield return $"at={At}";
        yield return HasSpace ? $"space={slot.Space}" : $"place={slot.Place}";
        if (slot.User is { } user) yield return string.Create(CultureInfo.InvariantCulture, $"owner={user}");
        if (image is null) yield break;
        yield return $"tools={program.Directory}";
        yield return string.Create(CultureInfo.InvariantCulture, $"base={slot.FirstMapped}");
        if (image.Derived is { } derived)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"first={derived.First}");
            yield return $"layer={derived.Directory}";
            yield return "first=0";
        }
        foreach (var layer in image.Layers) yield return $"layer={layer}";
        // Whatever an overlay has to note of a file only root of the machine may note elsewhere.
        if (!Within.IsEmpty) yield return "overlay=userxattr";
    }
}
