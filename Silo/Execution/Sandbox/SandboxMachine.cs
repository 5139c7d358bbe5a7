using System.Collections.Immutable;
using System.Globalization;
using Builds.Execution.Limits;
using Builds.Execution.Native;
using Builds.Execution.Networks;
using Builds.Execution.Slots;
using Builds.Images;

namespace Builds.Execution.Sandbox;

/// <summary>What this machine can do for builds, tried and not guessed, and the slots on it.</summary>
internal sealed class SandboxMachine : IAsyncDisposable
{
    private const int TrialSlot = -1;

    /// <summary>For what is made here and is no build.</summary>
    public const int MakingSlot = -2;

    /// <summary>The kernel's numbers of the limits that are set where there is no control group: memory of one process, processes of one user.</summary>
    private const int DataLimit = 2, ProcessLimit = 6;

    /// <summary>A busy machine takes seconds for what is usually over in milliseconds, and is no reason not to start.</summary>
    private static readonly TimeSpan TrialTime = TimeSpan.FromMinutes(1);

    private static readonly ImmutableArray<string> PodmanPlaces = ["/usr/bin/podman", "/usr/local/bin/podman"];
    private static readonly ImmutableArray<string> Runtimes = ["/usr/bin/crun", "/usr/bin/runc", "/usr/sbin/runc", "/usr/local/bin/crun"];

    private readonly ExecutionOptions _options;
    private readonly GuardProgram _program;
    private readonly SlotUsers _users;
    private readonly ISandboxDriver? _bubblewrap;
    private readonly ImagePodmanDriver? _podman;
    private readonly SlotNetworks? _networks;

    private SandboxMachine(ExecutionOptions options, GuardProgram program, SlotUsers users, Parts parts)
    {
        (_options, _program, _users) = (options, program, users);
        (Host, WhyNoIsolation, Spaces, WhyNoSpaces, Groups, WhyNoGroups, _networks, WhyNoNetworks) =
            (parts.Host, parts.WhyNoIsolation, parts.Spaces, parts.WhyNoSpaces, parts.Groups, parts.WhyNoGroups, parts.Networks, parts.WhyNoNetworks);
        var root = Libc.EffectiveUser() == 0;
        if (root && WhyNoIsolation is null && SandboxTrial.FindBubblewrap() is { } bubblewrap) _bubblewrap = new ImageBubblewrapDriver(bubblewrap, program);
        if (HasPodman && FindPodman() is { } podman && Runtime is { } runtime) _podman = new ImagePodmanDriver(podman, runtime, program);
    }

    /// <summary>What runs builds of image <c>host</c>.</summary>
    public ISandboxDriver Host { get; }
    /// <summary>Null where builds of image <c>host</c> are isolated.</summary>
    public string? WhyNoIsolation { get; }
    public BuildSpaces? Spaces { get; }
    public string? WhyNoSpaces { get; }
    public ControlGroups? Groups { get; }
    public string? WhyNoGroups { get; }
    public string? WhyNoNetworks { get; }

    /// <summary>What podman starts containers with; null: there is nothing here that works.</summary>
    public static string? Runtime => Runtimes.FirstOrDefault(IsUsable);

    /// <summary>Whether images can run in podman here.</summary>
    public static bool HasPodman => Libc.EffectiveUser() == 0 && FindPodman() is not null && Runtime is not null;

    /// <summary>Held by who uses <see cref="MakingSlot"/>.</summary>
    public SemaphoreSlim Making { get; } = new(1);

    /// <summary>Where podman is, or null.</summary>
    public static string? FindPodman() => PodmanPlaces.FirstOrDefault(File.Exists);

    /// <summary>Tries what there is. Throws <see cref="IOException"/> where no build may run.</summary>
    public static async Task<SandboxMachine> Open(ExecutionOptions options, GuardProgram program, SlotUsers users)
    {
        Directory.CreateDirectory(program.DataDirectory);
        var root = Libc.EffectiveUser() == 0;
        var (spaces, whyNoSpaces) = await Spacious(options, program, root);
        var (groups, whyNoGroups) = options.ControlGroups ? ControlGroups.Open(program.Mark) : (null, "the settings switch control groups off");
        var (networks, whyNoNetworks) = root ? await SlotNetworks.Open(options, program.Mark) : (null, "this silo is not root");
        var parts = new Parts(new ProcessDriver(program, "the settings ask for driver process"), "the settings ask for driver process",
            spaces, whyNoSpaces, groups, whyNoGroups, networks, whyNoNetworks);
        if (options.Driver == ExecutionDriver.Process) return new SandboxMachine(options, program, users, parts);

        if (SandboxTrial.FindBubblewrap() is { } bubblewrap)
        {
            var tried = new SandboxMachine(options, program, users, parts with { Host = new BubblewrapDriver(bubblewrap, program), WhyNoIsolation = null });
            parts = parts with { WhyNoIsolation = await tried.TryHost() };
            if (parts.WhyNoIsolation is null) return tried;
        }
        else
        {
            parts = parts with { WhyNoIsolation = "bubblewrap is not installed; to mend it: apt-get install bubblewrap" };
        }

        if (options.Driver == ExecutionDriver.Bubblewrap || !options.AllowProcess)
            throw new IOException($"Builds cannot be isolated, and this silo must not run them without: {parts.WhyNoIsolation}.");
        return new SandboxMachine(options, program, users, parts with { Host = new ProcessDriver(program, parts.WhyNoIsolation!) });
    }

    /// <summary>What runs an image, or why nothing does here.</summary>
    public (ISandboxDriver? Driver, string? Why) DriverOf(ImageDriver driver) => driver switch
    {
        ImageDriver.Podman => _podman is null ? (null, "podman cannot be used here: it needs a silo that is root, podman, and crun or runc") : (_podman, null),
        _ => _bubblewrap is null ? (null, "bubblewrap cannot be used here: it needs a silo that is root, and bubblewrap that works") : (_bubblewrap, null),
    };

    /// <summary>Where a build of an image (null: of this machine's system) runs.</summary>
    public async Task<Placement> Place(int number, Image? image, ISandboxDriver driver)
    {
        var slot = MakeSlot(driver, number);
        var network = image?.Network == ImageNetwork.Nat && _networks is not null && slot.User is { } user ? await _networks.Of(user) : null;
        if (image is not null) slot = slot with { User = slot.FirstMapped!.Value + image.User };
        // Image host shows the machine's own names, and one user more.
        else if (driver.OwnNamespace) new Workspace(slot, _program, spaces: null).WriteUserFiles(slot.User ?? BubblewrapDriver.OrdinaryUser);
        var limits = BuildLimits.Of(_options);
        var name = NameOf(number);
        // Without a namespace of its own a build is not worth limiting: it could leave them.
        var surroundings = !driver.OwnNamespace ? Surroundings.None : new Surroundings
        {
            HasSpace = Spaces is not null,
            Groups = Groups is null ? [] : [.. Groups.Of(name, limits)],
            ProcessLimits = Groups is not null ? [] : [(DataLimit, limits.Memory), .. slot.User is null ? [] : new[] { (ProcessLimit, (long)limits.Processes) }],
            HasNetwork = image?.Network != ImageNetwork.None,
            Network = network,
        };
        var workspace = new Workspace(slot, _program, driver.OwnNamespace ? Spaces : null);
        return new Placement(driver, slot, image, workspace, surroundings, limits, Groups, name, [.. driver.Remarks, .. Remarks(driver, image, limits)]);
    }

    /// <summary>For what is made here and is no build. What it writes lies in a directory, and can become a layer.</summary>
    public async Task<Placement> PlaceForMaking(Image image, ISandboxDriver driver)
    {
        var place = await Place(MakingSlot, image, driver);
        return place with { Surroundings = place.Surroundings with { HasSpace = false }, Workspace = new Workspace(place.Slot, _program, spaces: null) };
    }

    /// <summary>Removes what was made here and is not a build's.</summary>
    public ValueTask DisposeAsync()
    {
        Making.Dispose();
        return _networks?.DisposeAsync() ?? ValueTask.CompletedTask;
    }

    /// <summary>
    /// Removes what killed processes leave and no running build has: containers, control groups, networks. Only the silo may call it that has the
    /// data directory. Throws <see cref="IOException"/>.
    /// </summary>
    /// <param name="running">The names of guards that run, and the slots that are in use.</param>
    /// <param name="withContainers">Whether there may be any.</param>
    public async Task<int> Sweep(IReadOnlyDictionary<int, string> running, bool withContainers)
    {
        var slots = running.Keys.Select(NameOf).ToHashSet(StringComparer.Ordinal);
        var removed = Groups?.Sweep(name => slots.Contains(name) || MakingName.IsAlive(name)) ?? 0;
        if (withContainers && _podman is not null) removed += await _podman.RemoveOthers(running.Values.ToHashSet(StringComparer.Ordinal));
        if (_networks is not null) removed += await _networks.Sweep(_users.IsFree);
        return removed;
    }

    /// <summary>For a silo that ends: nobody uses its data directory any more.</summary>
    public void Leave() => Groups?.Leave();

    private Slot MakeSlot(ISandboxDriver driver, int number)
    {
        var slots = Path.Combine(_program.DataDirectory, "slots");
        var closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        // Without a mount of its own, a build under another user reaches its home only through directories open to all.
        // None may list them: whoever may could look for homes that their builds left open.
        var mode = driver.OwnNamespace ? closed : closed | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        Directory.CreateDirectory(slots);
        File.SetUnixFileMode(slots, mode);
        var ownUser = Libc.EffectiveUser() == 0 && (driver.OwnNamespace || RealPath.IsOpenToAll(slots));
        uint? user = ownUser ? _users.UserOf(number) : null;
        var slot = new Slot(number, Path.Combine(slots, NameOf(number)), user, user is { } known ? _users.FirstMapped(known) : null);
        Directory.CreateDirectory(slot.Directory);
        File.SetUnixFileMode(slot.Directory, mode);
        return slot;
    }

    private static string NameOf(int number) => number switch
    {
        TrialSlot => MakingName.Of("trial"),
        MakingSlot => MakingName.Of("image"),
        _ => number.ToString(CultureInfo.InvariantCulture),
    };

    private IEnumerable<string> Remarks(ISandboxDriver driver, Image? image, BuildLimits limits)
    {
        if (!driver.OwnNamespace) yield break;
        if (WhyNoGroups is not null)
            yield return $"Memory is limited for each process by itself, not for the build as a whole: {WhyNoGroups}.";
        if (WhyNoSpaces is not null && limits.Disk is not null)
            yield return $"The disk is not limited: {WhyNoSpaces}.";
        if (image?.Network == ImageNetwork.Nat && WhyNoNetworks is not null)
            yield return $"The network is the one of this machine: {WhyNoNetworks}.";
    }

    private static async Task<(BuildSpaces? Spaces, string? Why)> Spacious(ExecutionOptions options, GuardProgram program, bool root)
    {
        if (options.Disk == 0) return (null, "the settings do not limit it");
        if (!root) return (null, "this silo is not root");
        try
        {
            var spaces = await BuildSpaces.Prepare(options.Disk, program.DataDirectory);
            var slot = new Slot(TrialSlot, Path.Combine(program.DataDirectory, "slots", NameOf(TrialSlot)), null, null);
            var workspace = new Workspace(slot, program, spaces);
            await workspace.Create();
            var end = await Tool.Run(program.Init, ["enter", .. (Surroundings.None with { HasSpace = true }).Words(slot, image: null, program), "--", "/bin/true"]);
            await workspace.Remove();
            Directory.Delete(slot.Directory, recursive: true);
            return end.Code == 0 ? (spaces, null) : (null, $"a trial failed: {end.Words}");
        }
        catch (IOException e)
        {
            return (null, e.Message.TrimEnd('.'));
        }
    }

    /// <summary>Null if bubblewrap works, else the reason and what mends it.</summary>
    private async Task<string?> TryHost()
    {
        var place = await Place(TrialSlot, image: null, Host);
        await place.Workspace.Create();
        try
        {
            var why = await SandboxTrial.Try(place, BootClock.Now + TrialTime);
            return why is null ? null
                : $"a trial of bubblewrap failed: {why}; it needs user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0) or a silo with the rights of root";
        }
        finally
        {
            await place.Workspace.Remove();
            Directory.Delete(place.Slot.Directory, recursive: true);
            Groups?.Remove(place.GroupName);
        }
    }

    /// <summary>crun needs version 2 of control groups for what podman asks of it here; runc does with either.</summary>
    private static bool IsUsable(string runtime) => File.Exists(runtime) && (ControlGroups.IsUnified || !runtime.EndsWith("crun", StringComparison.Ordinal));

    private sealed record Parts(
        ISandboxDriver Host, string? WhyNoIsolation, BuildSpaces? Spaces, string? WhyNoSpaces, ControlGroups? Groups, string? WhyNoGroups, SlotNetworks? Networks, string? WhyNoNetworks);
}
