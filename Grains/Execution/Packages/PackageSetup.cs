using System.Collections.Immutable;
using Builds.Manifests;

namespace Builds.Execution.Packages;

/// <summary>One command of the setup.</summary>
/// <param name="Words">The program and its arguments; no shell reads them.</param>
/// <param name="AsRoot">Else as the build's own user, in its home.</param>
/// <param name="What">For people, when it fails: "Adding repository sr.ht".</param>
public sealed record SetupCommand(ImmutableArray<string> Words, bool AsRoot, string What);

/// <summary>The commands of the setup, or why there can be none.</summary>
public abstract record SetupCommands
{
    private SetupCommands() { }

    public sealed record Written(ImmutableArray<SetupCommand> Commands) : SetupCommands;

    /// <param name="Reasons">One sentence for each mistake; each names its key.</param>
    public sealed record Refused(ImmutableArray<string> Reasons) : SetupCommands;
}

/// <summary>How the repositories and packages of a manifest come into an image (contract/manifest section 7): repositories first, then all packages at once.</summary>
public static class PackageSetup
{
    /// <summary>The commands, in order. Empty if the manifest asks for neither.</summary>
    /// <param name="install">The image's own shell command, whose arguments are the packages; null: the manager's.</param>
    public static SetupCommands Of(BuildManifest manifest, PackageManager manager, string? install = null)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var commands = ImmutableArray.CreateBuilder<SetupCommand>();
        var refusals = ImmutableArray.CreateBuilder<string>();
        foreach (var (name, value) in manifest.Repositories)
        {
            if (Repositories.Add(manager, name, value) is var (script, arguments))
                commands.Add(new SetupCommand(["/bin/sh", "-e", "-c", script, "sh", .. arguments], manager is not PackageManager.Nix, $"Adding repository {name}"));
            else
                refusals.Add($"repositories: {Repositories.Mistake(manager, name, value)}");
        }

        // What is joined by blanks into one command may hold blanks itself.
        ImmutableArray<string> packages = [.. manifest.Packages.SelectMany(entry => entry.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))];
        if (!packages.IsEmpty)
            commands.AddRange(install is null ? Install(manager, packages) : [new SetupCommand(["/bin/sh", "-e", "-c", $"{install} \"$@\"", "sh", .. packages], AsRoot: true, Installing)]);
        else if (manager == PackageManager.Apt && !manifest.Repositories.IsEmpty)
            commands.Add(new SetupCommand(["apt-get", "-q", "update"], AsRoot: true, Refreshing));
        return refusals.Count > 0 ? new SetupCommands.Refused(refusals.ToImmutable()) : new SetupCommands.Written(commands.ToImmutable());
    }

    private const string Installing = "Installing the packages", Refreshing = "Reading what packages there are";

    private static IEnumerable<SetupCommand> Install(PackageManager manager, ImmutableArray<string> packages) => manager switch
    {
        PackageManager.Apk => [new(["apk", "upgrade", "-U"], true, "Upgrading the packages"), new(["apk", "add", .. packages], true, Installing)],
        PackageManager.Apt => [new(["apt-get", "-q", "update"], true, Refreshing), new(["apt-get", "-q", "-y", "install", .. packages], true, Installing)],
        PackageManager.Dnf => [new(["dnf", "-y", "install", .. packages], true, Installing)],
        // A package of the user repository is built by the build itself, which is what yay is for; without it there are only the official ones.
        PackageManager.Pacman =>
        [
            new(["pacman", "--noconfirm", "-Syu"], true, "Upgrading the packages"),
            new(["/bin/sh", "-e", "-c", "if command -v yay >/dev/null; then yay --noconfirm --needed -S \"$@\"; else sudo pacman --noconfirm --needed -S \"$@\"; fi", "sh", .. packages], false, Installing),
        ],
        PackageManager.Zypper => [new(["zypper", "--non-interactive", "refresh"], true, Refreshing), new(["zypper", "--non-interactive", "install", .. packages], true, Installing)],
        PackageManager.Nix => [new(["nix-channel", "--update"], false, Refreshing), new(["nix-env", "-iA", .. packages], false, Installing)],
        PackageManager.Guix => [new(["guix", "install", .. packages], false, Installing)],
        _ => throw new System.Diagnostics.UnreachableException(manager.ToString()),
    };
}
