using System.Collections.Immutable;
using System.Globalization;
using Builds.Execution.Limits;
using Builds.Execution.Native;
using Builds.Execution.Networks;
using Builds.Execution.Slots;
using Builds.Images;

namespace Builds.Execution.Sandbox;

/// <summary>What this machine can do for builds, tried and not guessed, and the slots on it.</summary>
internal sealed partial class SandboxMachine : IAsyncDisposable
{
    private const int TrialSlot = -1, FirstSlot = 0;

    /// <summary>For what is made here and is no build.</summary>
    public const int MakingSlot = -2;

    /// <summary>The kernel's numbers of the limits that are set where there is no control group: memory of one process, processes of one user.</summary>
    private const int DataLimit = 2, ProcessLimit = 6;

    private const string Namespaces = "user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0)";

    /// <summary>A busy machine takes seconds for what is usually over in milliseconds, and is no reason not to start.</summary>
    private static readonly TimeSpan TrialTime = TimeSpan.FromMinutes(1);

    private static readonly ImmutableArray<string> PodmanPlaces = ["/usr/bin/podman", "/usr/local/bin/podman"];
    private static readonly ImmutableArray<string> Runtimes = ["/usr/bin/crun", "/usr/bin/runc", "/usr/sbin/runc", "/usr/local/bin/crun"];

    private readonly ExecutionOptions _options;
    private readonly GuardProgram _program;
    private readonly SlotUsers _users;
    private readonly ISandboxDriver? _bubblewrap;
    private readonly string? _whyNoImages;
    private readonly ImagePodmanDriver? _podman;
    private readonly OwnNetwork? _ownNetwork;

    private SandboxMachine(ExecutionOptions options, GuardProgram program, SlotUsers users, Parts parts)
    {
        (_options, _program, _users) = (options, program, users);
        (Host, WhyNoIsolation, Spaces, WhyNoSpaces, Groups, WhyNoGroups, Networks, _ownNetwork, WhyNoNetworks) =
            (parts.Host, parts.WhyNoIsolation, parts.Spaces, parts.WhyNoSpaces, parts.Groups, parts.WhyNoGroups, parts.Networks, parts.OwnNetwork, parts.WhyNoNetworks);
        _whyNoImages = parts.WhyNoImages ?? WhyNoIsolation;
        if (_whyNoImages is null && SandboxTrial.FindBubblewrap() is { } bubblewrap) _bubblewrap = new ImageBubblewrapDriver(bubblewrap, program);
        if (HasPodman && FindPodman() is { } podman && Runtime is { } runtime) _podman = new ImagePodmanDriver(podman, runtime, program);
    }

    /// <summary>Whether this process is root, and so has users, disks and networks to give.</summary>
    public static bool IsRoot { get; } = Libc.EffectiveUser() == 0;

    /// <summary>What runs builds of image <c>host</c>.</summary>
    public ISandboxDriver Host { get; }
    /// <summary>Null where builds of image <c>host</c> are isolated.</summary>
    public string? WhyNoIsolation { get; }
    public BuildSpaces? Spaces { get; }
    public string? WhyNoSpaces { get; }
    public ControlGroups? Groups { get; }
    public string? WhyNoGroups { get; }
    public SlotNetworks? Networks { get; }
    public string? WhyNoNetworks { get; }

    /// <summary>Whether builds of images can have a network of their own.</summary>
    public bool HasNat => Networks is not null || _ownNetwork is not null;

    /// <summary>What podman starts containers with; null: there is nothing here that works.</summary>
    public static string? Runtime => Runtimes.FirstOrDefault(IsUsable);

    /// <summary>Whether images can run in podman here.</summary>
    public static bool HasPodman => IsRoot && FindPodman() is not null && Runtime is not null;

    /// <summary>Held by who uses <see cref="MakingSlot"/>.</summary>
    public SemaphoreSlim Making { get; } = new(1);

    /// <summary>Where podman is, or null.</summary>
    public static string? FindPodman() => PodmanPlaces.FirstOrDefault(File.Exists);

    /// <summary>Tries what there is. Throws <see cref="IOException"/> where no build may run.</summary>
    public static async Task<SandboxMachine> Open(ExecutionOptions options, GuardProgram program, SlotUsers users)
    {
        Directory.CreateDirectory(program.DataDirectory);
        var (spaces, whyNoSpaces) = await Spacious(options, program);
        var (groups, whyNoGroups) = options.ControlGroups ? ControlGroups.Open(program.Mark) : (null, "the settings switch control groups off");
        var (networks, whyNoNetworks) = IsRoot ? await SlotNetworks.Open(options, program.Mark, users.UserOf(FirstSlot)) : (null, null);
        var parts = new Parts(new ProcessDriver(program, "the settings ask for driver process"), "the settings ask for driver process",
            spaces, whyNoSpaces, groups, whyNoGroups, networks, whyNoNetworks);
        if (options.Driver == ExecutionDriver.Process) return new SandboxMachine(options, program, users, parts);

        if (SandboxTrial.FindBubblewrap() is { } bubblewrap)
        {
            var tried = new SandboxMachine(options, program, users, parts with { Host = new BubblewrapDriver(bubblewrap, program), WhyNoIsolation = null });
            parts = parts with { WhyNoIsolation = await tried.TryHost() };
            if (parts.WhyNoIsolation is null) return IsRoot ? tried : await WithImages(options, program, users, parts with { Host = tried.Host });
        }
        else
        {
            parts = parts with { WhyNoIsolation = "bubblewrap is not installed; to mend it: apt-get install bubblewrap" };
        }

        if (options.Driver == ExecutionDriver.Bubblewrap || !options.AllowProcess)
            throw new IOException($"Builds cannot be isolated, and this silo must not run them without: {parts.WhyNoIsolation}.");
        return new SandboxMachine(options, program, users, parts with { Host = new ProcessDriver(program, parts.WhyNoIsolation!) });
    }

    /// <summary>Where a build of an image (null: of this machine's system) runs.</summary>
    public async Task<Placement> Place(int number, Image? image, ISandboxDriver driver)
    {
        var slot = MakeSlot(driver, number);
        var wanted = image?.Network ?? _options.HostNetwork;
        var hasOwn = driver.OwnNamespace && wanted == ImageNetwork.Nat && WhyNotOfSlot(image) is null;
        // The trial needs none but the one that is there.
        var network = hasOwn ? await Networks!.Of(_users.UserOf(number == TrialSlot ? FirstSlot : number)) : null;
        if (image is not null) slot = slot with { User = (slot.FirstMapped ?? 0) + image.User, FirstMapped = slot.FirstMapped ?? 0 };
        // Image host shows the machine's own names, and one user more.
        else if (driver.OwnNamespace) new Workspace(slot, _program, spaces: null).WriteUserFiles(slot.User ?? BubblewrapDriver.OrdinaryUser);
        var limits = BuildLimits.Of(_options);
        var name = NameOf(number);
        // Where the silo is root and has no network to give, the machine's own takes its place, and the setup log says so.
        var hasNetwork = wanted switch { ImageNetwork.None => false, ImageNetwork.Nat => image is null || IsRoot || _ownNetwork is not null, _ => true };
        // Without a namespace of its own a build is not worth limiting: it could leave them.
        ImmutableArray<string> groups = Groups is null || !driver.OwnNamespace ? [] : [.. Groups.Of(name, limits)];
        var within = image is null || _program.Subordinates is not { } own ? [] : Within(own, groups, image.Network == ImageNetwork.Nat);
        var surroundings = !driver.OwnNamespace ? Surroundings.None : new Surroundings
        {
            HasSpace = Spaces is not null,
            Groups = within.IsEmpty ? groups : [],
            Within = within,
            ProcessLimits = Groups is not null ? [] : [(DataLimit, limits.Memory), .. slot.User is null ? [] : new[] { (ProcessLimit, (long)limits.Processes) }],
            HasNetwork = hasNetwork,
            Network = network,
            Resolver = !hasNetwork ? null : image?.Network == ImageNetwork.Nat && _ownNetwork is not null ? $"{Surroundings.Tools}/{OwnNetwork.ResolverFile}" : Resolver.File(ownNetwork: network is not null),
        };
        var workspace = new Workspace(slot, _program, driver.OwnNamespace ? Spaces : null);
        return new Placement(driver, slot, image, workspace, surroundings, limits, Groups, name, [.. driver.Remarks, .. Remarks(driver, image, limits)]);
    }

    /// <summary>For what is made here and is no build. What it writes lies in a directory, and can become a layer.</summary>
    public async Task<Placement> PlaceForMaking(Image image, ISandboxDriver driver)
    {
        // Making one takes the network that packages come from, whatever its builds have.
        var network = image.Network == ImageNetwork.Host && !HasNat ? ImageNetwork.Host : ImageNetwork.Nat;
        var place = await Place(MakingSlot, image with { Network = network }, driver);
        return place with { Surroundings = place.Surroundings with { HasSpace = false }, Workspace = new Workspace(place.Slot, _program, spaces: null) };
    }

    /// <summary>Removes what was made here and is not a build's.</summary>
    public ValueTask DisposeAsync()
    {
        Making.Dispose();
        return Networks?.DisposeAsync() ?? ValueTask.CompletedTask;
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
        if (Networks is not null) removed += await Networks.Sweep(_users.Hold);
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
        var ownUser = IsRoot && (driver.OwnNamespace || RealPath.IsOpenToAll(slots));
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

    /// <summary>Null: there can be one for it. Names of hosts must work on the machine itself, as they did before.</summary>
    private string? WhyNotOfSlot(Image? image) => !IsRoot ? "this silo is not root" : WhyNoNetworks
        ?? (image is null && Resolver.IsLoopbackAlone ? "the names of hosts are resolved by a service on loopback or over IPv6, which a network of a build's own does not reach" : null);

    private IEnumerable<string> Remarks(ISandboxDriver driver, Image? image, BuildLimits limits)
    {
        if (!driver.OwnNamespace) yield break;
        if (WhyNoGroups is not null)
            yield return $"Memory is limited for each process by itself, not for the build as a whole: {WhyNoGroups}.";
        if (WhyNoSpaces is not null && limits.Disk is not null)
            yield return $"The disk is not limited: {WhyNoSpaces}.";
        var wanted = image?.Network ?? _options.HostNetwork;
        if (wanted == ImageNetwork.Nat && (image is null || IsRoot) && WhyNotOfSlot(image) is { } why)
            yield return $"The network is the one of this machine: {why}.";
        else if (wanted == ImageNetwork.Nat && image is not null && !HasNat)
            yield return $"There is no network: {WhyNoNetworks}.";
        else if (wanted == ImageNetwork.Host && image is null)
            yield return "The network is the one of this machine: the settings say so.";
    }

    private static async Task<(BuildSpaces? Spaces, string? Why)> Spacious(ExecutionOptions options, GuardProgram program)
    {
        if (options.Disk == 0) return (null, "the settings do not limit it");
        if (!IsRoot) return (null, "this silo is not root");
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
    private async Task<string?> TryHost() =>
        await Try(await Place(TrialSlot, image: null, Host), place => place.Order("true")) is not { } why ? null
            : $"a trial of bubblewrap failed: {why}; it needs {Namespaces} or a silo with the rights of root";

    private async Task<string?> Try(Placement place, Func<Placement, GuardOrder> order)
    {
        await place.Workspace.Create();
        try
        {
            return await SandboxTrial.Try(place, BootClock.Now + TrialTime, order(place));
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
        ISandboxDriver Host, string? WhyNoIsolation, BuildSpaces? Spaces, string? WhyNoSpaces, ControlGroups? Groups, string? WhyNoGroups, SlotNetworks? Networks, string? WhyNoNetworks)
    {
        public OwnNetwork? OwnNetwork { get; init; }
        public string? WhyNoImages { get; init; }
    }
}
