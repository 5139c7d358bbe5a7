using System.Collections.Immutable;
using System.Globalization;
using Builds.Execution.Networks;
using Builds.Execution.Slots;

namespace Builds.Execution.Sandbox;

/// <summary>
/// An image's root file system under bubblewrap. Where the silo is root: the layers of the image and the build's changes appear as one,
/// in a user namespace whose root installs packages. Where it is not: a copy of the image, in which there is no root.
/// </summary>
internal sealed class ImageBubblewrapDriver(string bubblewrap, GuardProgram program, bool withRoot) : ISandboxDriver
{
    private const string Tools = "/run/builds";

    private static readonly ImmutableArray<string> SudoPlaces = ["/usr/bin/sudo", "/usr/local/bin/sudo"];

    public string Name => "bubblewrap";

    public bool OwnNamespace => true;

    public bool HasRoot => withRoot;

    public ImmutableArray<string> Remarks { get; } =
        withRoot ? [] : ["This silo is not root: in this image no build may become root, and no packages can be installed."];

    public string HomeInside(Slot slot) => BuildScripts.Home;

    public string? ToolsInside => $"{Tools}/{(withRoot ? "image" : "bin")}";

    public (string Program, ImmutableArray<string> Arguments) Command(SandboxOrder order)
    {
        var (slot, image) = (order.Slot, order.Image!);
        // As root the tool is a user that may not go into the data directory.
        var tools = withRoot ? Surroundings.Tools : program.Directory;
        string[] namespaces = withRoot ? [] : ["--unshare-user", "--uid", Number(image.User), "--gid", Number(image.User)];
        var network = order.Surroundings.HasNetwork ? [] : new[] { "--unshare-net" };
        string[] resolver = order.Surroundings.HasNetwork && Resolver.File(ownNetwork: order.Surroundings.Network is not null) is { } file ? ["--ro-bind", file, "/etc/resolv.conf"] : [];
        return program.Around([.. order.Surroundings.Words(slot, withRoot ? image : null, program), .. withRoot ? ["user=1"] : Array.Empty<string>()], bubblewrap,
        [
            "--as-pid-1", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "build", .. namespaces, .. network,
            "--bind", withRoot ? Surroundings.Root : slot.Root, "/",
            "--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm",
            "--perms", "0755", "--tmpfs", "/run",
            "--ro-bind", tools, Tools,
            .. SudoPlaces.Where(place => withRoot && image.Has(place)).SelectMany(place => new[] { "--ro-bind", $"{tools}/image/sudo", place }),
            .. resolver,
            "--bind", withRoot ? order.Surroundings.Home(slot, image) : slot.Home, BuildScripts.Home,
            "--chdir", "/",
            $"{Tools}/init", .. program.Arguments(withRoot ? "mapped" : "namespace", withRoot ? image.User : null, order),
        ]);
    }

    private static string Number(uint number) => number.ToString(CultureInfo.InvariantCulture);
}
