using System.Collections.Immutable;
using System.Globalization;
using Builds.Execution.Slots;

namespace Builds.Execution.Sandbox;

/// <summary>
/// An image's root file system in a container of podman, in a user namespace: setuid programs work, so sudo does, and its root is nobody
/// outside. Only for a silo that is root.
/// </summary>
internal sealed class ImagePodmanDriver(string podman, string runtime, GuardProgram program) : ISandboxDriver
{
    private const string Tools = "/run/builds";

    /// <summary>What containers of one data directory bear, so that a later silo finds them.</summary>
    public const string Label = "builds-data";

    /// <summary>And that directory itself: what belongs to one that is gone will not be found by a silo of it.</summary>
    private const string DirectoryLabel = "builds-directory";

    private const string NamePrefix = "builds-";

    public string Name => "podman";

    public bool OwnNamespace => true;

    public bool HasRoot => true;

    public ImmutableArray<string> Remarks => [];

    public string HomeInside(Slot slot) => BuildScripts.Home;

    public string? ToolsInside => null;

    public (string Program, ImmutableArray<string> Arguments) Command(SandboxOrder order)
    {
        var (slot, image, around) = (order.Slot, order.Image!, order.Surroundings);
        var map = $"0:{slot.FirstMapped!.Value.ToString(CultureInfo.InvariantCulture)}:65536";
        // Its own groups below ours hold what ours allow.
        string[] groups = around.Groups is [var first, ..] ? ["--cgroup-parent", GroupPath(first)] : [];
        return program.Around(around.Words(slot, image, program, groups: false), podman,
        [
            "--runtime", runtime, "--cgroup-manager=cgroupfs", "--events-backend=none", "--log-level=error",
            "run", "--rm", "--name", $"{NamePrefix}{order.Name}-{program.Mark[^8..]}", "--label", $"{Label}={program.Mark}", "--label", $"{DirectoryLabel}={program.DataDirectory}",
            "--uidmap", map, "--gidmap", map, "--preserve-fds=1", "--log-driver=none", "--image-volume=ignore", "--init=false",
            // What is in shared memory counts as memory. The network is joined before podman starts.
            "--network", around.HasNetwork ? "host" : "none", "--uts", "private", "--hostname", "build", "--add-host", "build:127.0.1.1", "--ipc", "private",
            .. groups, "--cap-add", "NET_RAW", "--pids-limit=-1", "--ulimit", "nofile=1024:4096", "--ulimit", "nproc=4096:4096", "--security-opt", "label=disable",
            "--shm-size", "1099511627776",
            "--volume", $"{around.Home(slot, image)}:{BuildScripts.Home}", "--volume", $"{Surroundings.Tools}:{Tools}:ro",
            "--workdir", "/", "--user", "0:0", "--entrypoint", $"[\"{Tools}/init\"]",
            "--rootfs", Surroundings.Root,
            .. program.Arguments("container", image.User, order),
        ]);
    }

    /// <summary>
    /// Removes containers of this data directory but those of the guards that are named, and those that ended of data directories that are gone; how
    /// many there were.
    /// </summary>
    public async Task<int> RemoveOthers(IReadOnlySet<string> running)
    {
        var listed = Path.Combine(program.DataDirectory, $"containers.{Environment.ProcessId}");
        var containers = (await Tool.Output(listed, podman, "ps", "--all", "--filter", $"label={Label}", "--format", $"{{{{.Names}}}}\t{{{{.Exited}}}}\t{{{{index .Labels \"{Label}\"}}}}\t{{{{index .Labels \"{DirectoryLabel}\"}}}}"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(line => line.Split('\t'));
        var others = containers.Where(container => container is [var name, var exited, var mark, .. var rest]
            && (mark == program.Mark ? IsLeft(name, running) : exited == "true" && rest is [var directory] && !Directory.Exists(directory))).Select(container => container[0]).ToList();
        if (others.Count > 0) await Tool.Output(listed, podman, ["--runtime", runtime, "--cgroup-manager=cgroupfs", "rm", "--force", "--time", "0", .. others]);
        return others.Count;
    }

    private static bool IsLeft(string name, IReadOnlySet<string> running) =>
        !MakingName.IsAlive(name[NamePrefix.Length..]) && !running.Any(guard => name.StartsWith($"{NamePrefix}{guard}-", StringComparison.Ordinal));

    /// <summary>A group's path below the mount of its controller, which is the same for all.</summary>
    private static string GroupPath(string directory)
    {
        const string Mount = "/sys/fs/cgroup/";
        var below = directory[Mount.Length..];
        return Limits.ControlGroups.IsUnified ? $"/{below}" : below[below.IndexOf('/', StringComparison.Ordinal)..];
    }
}
