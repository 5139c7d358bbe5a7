using System.Collections.Immutable;
using System.Globalization;
using Builds.Execution.Networks;
using Builds.Execution.Slots;

namespace Builds.Execution.Sandbox;

/// <summary>
/// The machine's own system, read-only, with the places of people and of running services masked, in namespaces of its own
/// (pid, ipc, uts; and user, where the silo is not root).
/// </summary>
internal sealed class BubblewrapDriver(string bubblewrap, GuardProgram program) : ISandboxDriver
{
    private const string Tools = "/run/builds";
    /// <summary>Whom a build is inside where the silo has no other users to give.</summary>
    public const uint OrdinaryUser = 1000;
    private static readonly ImmutableArray<string> Masked = ["/home", "/root", "/run", "/tmp", "/var/tmp"];

    private static readonly ImmutableArray<string> SudoPlaces = ["/usr/bin/sudo", "/usr/local/bin/sudo"];

    /// <summary>What the guard needs to start commands as another user and to end them; it passes none of it on.</summary>
    private static readonly ImmutableArray<string> GuardCapabilities = ["CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_SETPCAP"];

    private readonly Lazy<ImmutableArray<string>> _common = new(() => Common(program));

    public string Name => "bubblewrap";

    public bool OwnNamespace => true;

    public bool HasRoot => false;

    public ImmutableArray<string> Remarks => [];

    public string HomeInside(Slot slot) => BuildScripts.Home;

    public string? ToolsInside => $"{Tools}/bin";

    public (string Program, ImmutableArray<string> Arguments) Command(SandboxOrder order)
    {
        var (slot, user) = (order.Slot, OrdinaryUser.ToString(CultureInfo.InvariantCulture));
        string[] network = order.Surroundings.HasNetwork ? [] : ["--unshare-net"];
        return program.Around(order.Surroundings.Words(slot, image: null, program), bubblewrap,
        [
            "--as-pid-1", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
            .. slot.User is null
                ? ["--unshare-user", "--uid", user, "--gid", user]
                : (IEnumerable<string>)["--cap-drop", "ALL", .. GuardCapabilities.SelectMany(c => new[] { "--cap-add", c })],
            .. network, .. _common.Value, .. Names(order.Surroundings.Network is not null), .. HiddenFiles(),
            "--ro-bind", slot.Passwd, "/etc/passwd", "--ro-bind", slot.Group, "/etc/group",
            "--bind", order.Surroundings.Home(slot, image: null), BuildScripts.Home,
            "--chdir", "/",
            $"{Tools}/init", .. program.Arguments("namespace", slot.User, order),
        ]);
    }

    /// <summary>The mounts that are the same for every build.</summary>
    private static ImmutableArray<string> Common(GuardProgram program)
    {
        List<string> arguments = ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm"];
        foreach (var directory in Masked.Where(Directory.Exists))
            arguments.AddRange(["--perms", directory is "/tmp" or "/var/tmp" ? "1777" : "0755", "--tmpfs", directory]);
        foreach (var directory in AlsoMasked([program.DataDirectory, .. program.Hidden.Where(Directory.Exists).Select(RealPath.Of)]))
            arguments.AddRange(["--perms", "0755", "--tmpfs", directory]);
        arguments.AddRange(["--ro-bind", program.Directory, Tools]);
        foreach (var sudo in SudoPlaces.Where(File.Exists).Select(RealPath.Of).Distinct(StringComparer.Ordinal))
            arguments.AddRange(["--ro-bind", Path.Combine(program.Directory, "bin", "sudo"), sudo]);
        return [.. arguments];
    }

    /// <summary>
    /// The file that says who resolves the names of hosts: where a service does it, the usual one lies in a place that is masked, and
    /// names a server that a network of its own does not reach.
    /// </summary>
    private static ImmutableArray<string> Names(bool ownNetwork)
    {
        var usual = RealPath.Of("/etc/resolv.conf");
        return Resolver.File(ownNetwork) is { } file && (file != usual || Masked.Any(m => RealPath.IsWithin(usual, m))) ? ["--ro-bind", file, usual] : [];
    }

    /// <summary>Looked up for each build, since a key that is renewed is another file.</summary>
    private IEnumerable<string> HiddenFiles() => program.Hidden.Select(RealPath.Of).Where(File.Exists)
        .Where(file => !Masked.Concat(AlsoMasked([program.DataDirectory])).Any(m => RealPath.IsWithin(file, m))).SelectMany(file => new[] { "--ro-bind", "/dev/null", file });

    /// <summary>The home of the silo's user and the other directories of the silo, where they are not masked anyway.</summary>
    private static IEnumerable<string> AlsoMasked(string[] directories)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        string[] wanted = Path.IsPathRooted(home) && Directory.Exists(home) ? [RealPath.Of(home), .. directories] : directories;
        return wanted.Where(d => d != "/" && !Masked.Any(m => RealPath.IsWithin(d, m))).Distinct(StringComparer.Ordinal);
    }
}
