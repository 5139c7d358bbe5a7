using System.Collections.Immutable;
using Builds.Execution.Slots;

namespace Builds.Execution.Sandbox;

/// <summary>
/// An image's root file system under bubblewrap: the layers of the image and the build's changes appear as one, in a user namespace whose
/// root installs packages.
/// </summary>
internal sealed class ImageBubblewrapDriver(string bubblewrap, GuardProgram program) : ISandboxDriver
{
    private const string Tools = "/run/builds";

    private static readonly ImmutableArray<string> SudoPlaces = ["/usr/bin/sudo", "/usr/local/bin/sudo"];

    public string Name => "bubblewrap";

    public bool OwnNamespace => true;

    public bool HasRoot => true;

    public ImmutableArray<string> Remarks => [];

    public string HomeInside(Slot slot) => BuildScripts.Home;

    public string? ToolsInside => $"{Tools}/image";

    public (string Program, ImmutableArray<string> Arguments) Command(SandboxOrder order)
    {
        var (slot, image) = (order.Slot, order.Image!);
        var network = order.Surroundings.HasNetwork ? [] : new[] { "--unshare-net" };
        string[] resolver = order.Surroundings.Resolver is { } file ? ["--ro-bind", file, "/etc/resolv.conf"] : [];
        return order.Surroundings.Around([.. order.Surroundings.Words(slot, image, program), "user=1"], program, bubblewrap,
        [
            "--as-pid-1", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "build", .. network,
            "--bind", Surroundings.Root, "/",
            "--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm",
            "--perms", "0755", "--tmpfs", "/run",
            "--ro-bind", Surroundings.Tools, Tools,
            .. SudoPlaces.Where(image.Has).SelectMany(place => new[] { "--ro-bind", $"{Surroundings.Tools}/image/sudo", place }),
            .. resolver,
            "--bind", order.Surroundings.Home(slot, image), BuildScripts.Home,
            "--chdir", "/",
            $"{Tools}/init", .. program.Arguments("mapped", image.User, order),
        ]);
    }
}
