using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Builds.Execution;
using Builds.Execution.Packages;
using Builds.Execution.Sandbox;
using Builds.Execution.Slots;

namespace Builds.Images;

/// <summary>What an image is to be made of.</summary>
internal sealed record ImageOrder
{
    public required string Name { get; init; }
    public required ImageDriver Driver { get; init; }
    /// <summary>A directory, or an archive that tar can unpack; null: <see cref="Oci"/>.</summary>
    public string? RootFs { get; init; }
    /// <summary>What <c>podman pull</c> takes.</summary>
    public string? Oci { get; init; }
    public ImageNetwork Network { get; init; }
    public string? Preamble { get; init; }
    public string? Install { get; init; }
    /// <summary>Nothing is installed into it.</summary>
    public bool Plain { get; init; }
}

/// <summary>
/// Makes images: the stock root file system stays as it came, and a layer above it holds user <c>build</c> and what builds need of programs. Throws
/// <see cref="IOException"/> with what went wrong and where; then nothing is left.
/// </summary>
internal sealed class ImageMaker(ImageStore store, SandboxMachine machine, GuardProgram program, Action<string> tell)
{
    private static readonly ImmutableArray<string> Needed = ["bash", "git", "curl", "sudo", "ssh", "gpg"];
    private static readonly TimeSpan Lease = TimeSpan.FromHours(2);

    public async Task<Image> Make(ImageOrder order, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (store.List().Any(image => image.Name == order.Name))
            throw new IOException($"There is an image '{order.Name}' already: 'builds image remove {order.Name}' first, or choose another name.");
        var image = new Image
        {
            Name = order.Name,
            Driver = order.Driver,
            Layers = [],
            Root = program.Subordinates?.FirstUser ?? 0,
            Source = order.Oci ?? Path.GetFullPath(order.RootFs!),
            Network = order.Network,
            Preamble = order.Preamble,
            Install = order.Install,
            Added = now,
        };
        // Before minutes go into what nothing here can run.
        var (driver, why) = machine.DriverOf(image);
        if (driver is null) throw new IOException($"Image '{order.Name}' cannot run on this machine: {why}.");
        var draft = store.Draft(order.Name);
        try
        {
            var (stock, digest) = order.Oci is { } reference ? await Pull(reference, draft) : (await Unpack(order.RootFs!, draft), null);
            if (!Directory.Exists(Path.Combine(stock, "bin")) && !Directory.Exists(Path.Combine(stock, "usr")))
                throw new IOException($"{image.Source} is no root file system: it has neither bin nor usr.");
            var users = Path.Combine(draft, "users");
            Directory.CreateDirectory(users);
            var user = ImageUsers.Add(stock, users, await Passwords(stock, draft));
            if (program.Subordinates is not null) await AsRootOfImages($"{users} cannot be given to root of the image", "/bin/chown", "--recursive", "0:0", users);
            image = image with { Layers = [users, stock], Digest = digest, User = user };
            if (!order.Plain && await Derive(image, driver, draft, cancellationToken) is { } derived)
                image = image with { Derived = derived };
            var final = store.Final(order.Name);
            string Moved(string layer) => layer.StartsWith(draft, StringComparison.Ordinal) ? final + layer[draft.Length..] : layer;
            image = image with
            {
                Layers = [.. image.Layers.Select(Moved)],
                Derived = image.Derived is { } made ? made with { Directory = Moved(made.Directory) } : null,
            };
            store.Add(image, draft);
            return image;
        }
        finally
        {
            await Wipe(draft);
        }
    }

    /// <summary>Removes an image; false if there is none of that name. Builds that run in it may fail.</summary>
    public async Task<bool> Remove(string name)
    {
        if (store.Remove(name) is not { } removed) return false;
        await Wipe(removed);
        return true;
    }

    private async Task Wipe(string directory)
    {
        if (!Directory.Exists(directory)) return;
        var end = await program.Wipe(directory);
        if (end.Code != 0) throw new IOException($"{directory} cannot be removed: {end.Words}");
    }

    private async Task<string> Unpack(string path, string draft)
    {
        if (Directory.Exists(path)) return await Belongs(path) ? RealPath.Of(path) : throw new IOException(
            $"{path} belongs to other users than the subordinate ones that builds have here, and would not be theirs to change; to mend it: tar --numeric-owner --owner=0 --group=0 -C {path} -cf rootfs.tar . and --rootfs rootfs.tar");
        if (!File.Exists(path)) throw new IOException($"There is no {path}.");
        tell($"Unpacking {path}");
        var stock = Path.Combine(draft, "stock");
        Directory.CreateDirectory(stock);
        await AsRootOfImages($"{path} cannot be unpacked", "/bin/tar", "--extract", "--file", Path.GetFullPath(path), "--directory", stock, "--numeric-owner", "--preserve-permissions", "--exclude=./dev/*", "--exclude=dev/*");
        return stock;
    }

    /// <summary>Whether a directory's owner is root of images, where that is not root of this machine.</summary>
    private async Task<bool> Belongs(string directory)
    {
        if (program.Subordinates is null) return true;
        var (stat, arguments) = program.AsRootOfImages("/usr/bin/stat", "--format", "%u:%g", Path.GetFullPath(directory));
        return await Tool.Output(Path.Combine(program.DataDirectory, $"owner.{Environment.ProcessId}"), stat, [.. arguments]) == "0:0";
    }

    /// <summary>The lines of a stock image's shadow file, which only its root may read.</summary>
    private async Task<IReadOnlyList<string>> Passwords(string stock, string draft)
    {
        var path = RealPath.In(stock, "etc/shadow");
        if (!File.Exists(path)) return [];
        var (cat, arguments) = program.AsRootOfImages("/bin/cat", path);
        return (await Tool.Output(Path.Combine(draft, "shadow"), cat, [.. arguments])).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private async Task AsRootOfImages(string failure, string tool, params string[] arguments)
    {
        var (path, words) = program.AsRootOfImages(tool, arguments);
        var end = await Tool.Run(path, [.. words]);
        if (end.Code != 0) throw new IOException($"{failure}: {end.Words}");
    }

    /// <summary>Podman brings it; from then on it is a root file system like any other.</summary>
    private async Task<(string Stock, string? Digest)> Pull(string reference, string draft)
    {
        var podman = SandboxMachine.FindPodman() ?? throw new IOException("An OCI image needs podman to bring it; to mend it: apt-get install podman");
        tell($"Bringing {reference}");
        Task<string> Podman(params string[] arguments) =>
            Tool.Output(Path.Combine(draft, "podman-output"), "/usr/bin/env", [.. Variables(), podman, "--runtime", machine.Runtime ?? "runc", "--cgroup-manager=cgroupfs", .. arguments]);

        // Not root, it looks for newuidmap on the path, and keeps what it brings in the home and the session of its user.
        static IEnumerable<string> Variables() => SandboxMachine.IsRoot ? [] :
        [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", $"HOME={Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)}",
            .. Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { } session ? [$"XDG_RUNTIME_DIR={session}"] : Array.Empty<string>(),
        ];

        var id = await Podman("pull", "--quiet", reference);
        var digest = await Podman("image", "inspect", "--format", "{{.Digest}}", id);
        var container = await Podman("create", id, "/bin/true");
        var archive = Path.Combine(draft, "stock.tar");
        try
        {
            await Podman("export", "--output", archive, container);
        }
        finally
        {
            await Podman("rm", container);
        }
        var stock = await Unpack(archive, draft);
        File.Delete(archive);
        return (stock, digest);
    }

    /// <summary>Installs what is missing of the programs that builds need. The layer with it; null: nothing was missing.</summary>
    private async Task<DerivedLayer?> Derive(Image image, ISandboxDriver driver, string draft, CancellationToken cancellationToken)
    {
        await using var sandbox = await MakingSandbox.Start(machine, image, driver, BootClock.Now + Lease);
        var missing = await sandbox.Lines($"for p in {string.Join(' ', Needed)}; do command -v $p >/dev/null || echo $p; done; true", cancellationToken);
        if (missing.IsEmpty) return null;
        if (PackageManagers.Of(await sandbox.Text(PackageManagers.Probe, cancellationToken)) is not { } manager)
        {
            tell($"It has no package manager that is known, and lacks {string.Join(", ", missing)}: builds must do without");
            return null;
        }
        tell($"Installing {string.Join(", ", missing)}");
        if (!SandboxMachine.IsRoot && !machine.HasNat && image.Network != ImageNetwork.Host)
            tell($"There is no network for that: {machine.WhyNoNetworks}. With the machine's own, for its builds too: --network host");
        var manifest = new Manifests.BuildManifest { Image = image.Name, Packages = [.. missing.Select(program => PackageManagers.PackageOf(manager, program)), .. manager == PackageManager.Apt ? ["ca-certificates"] : Array.Empty<string>()] };
        var setup = (SetupCommands.Written)PackageSetup.Of(manifest, manager, image.Install);
        foreach (var command in setup.Commands)
        {
            var (code, output) = await sandbox.Run(command.Words, cancellationToken);
            if (code != 0)
                throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{command.What} failed with exit status {code}:\n{Tail(output)}\nTo have the image without them: --plain"));
        }
        return await sandbox.Keep(Path.Combine(draft, "derived"));
    }

    private static string Tail(string text) => string.Join('\n', text.TrimEnd().Split('\n').TakeLast(20));
}

/// <summary>A sandbox in which the silo itself does something with an image.</summary>
internal sealed class MakingSandbox : IAsyncDisposable
{
    private readonly Placement _place;
    private readonly Guard _guard;

    private MakingSandbox(Placement place, Guard guard) => (_place, _guard) = (place, guard);

    public static async Task<MakingSandbox> Start(SandboxMachine machine, Image image, ISandboxDriver driver, TimeSpan lease)
    {
        var place = await machine.PlaceForMaking(image with { Network = ImageNetwork.Nat }, driver);
        await place.Workspace.Create();
        var (path, arguments) = place.Command(lease, MakingName.Of("image"));
        var guard = Guard.Start(path, arguments, nice: 0);
        if (await guard.Hello()) return new MakingSandbox(place, guard);
        guard.Kill();
        var end = await guard.Ended;
        await new MakingSandbox(place, guard).DisposeAsync();
        throw new IOException($"The sandbox of {driver.Name} does not start: {(end.Words.Length > 0 ? end.Words : $"status {end.Code}")}");
    }

    /// <summary>What a shell script of root printed. Throws <see cref="IOException"/> if it fails.</summary>
    public async Task<string> Text(string script, CancellationToken cancellationToken)
    {
        var (code, output) = await Run(["/bin/sh", "-c", script], cancellationToken);
        return code == 0 ? output : throw new IOException(string.Create(CultureInfo.InvariantCulture, $"In the image, a script failed with {code}: {output}"));
    }

    public async Task<ImmutableArray<string>> Lines(string script, CancellationToken cancellationToken) =>
        [.. (await Text(script, cancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    /// <summary>Runs a command of root to its end.</summary>
    public Task<(int Code, string Output)> Run(IReadOnlyList<string> words, CancellationToken cancellationToken) => Run(Placement.RootOrder([.. words]), cancellationToken);

    /// <summary>Runs a shell script of the build's own user.</summary>
    public Task<(int Code, string Output)> RunAsBuild(string script, CancellationToken cancellationToken) => Run(_place.Order("/bin/sh", "-c", script), cancellationToken);

    /// <summary>Ends it, and moves all that was changed to a new layer.</summary>
    public async Task<DerivedLayer> Keep(string layer)
    {
        await End();
        await _place.Workspace.Keep(layer);
        return new DerivedLayer(layer, _place.Slot.FirstMapped!.Value);
    }

    public async ValueTask DisposeAsync()
    {
        await End();
        await _guard.DisposeAsync();
        await _place.Workspace.Remove();
        Directory.Delete(_place.Slot.Directory, recursive: true);
        _place.Groups?.Remove(_place.GroupName);
    }

    private async Task End()
    {
        _guard.Kill();
        await _guard.Ended;
    }

    private async Task<(int Code, string Output)> Run(GuardOrder order, CancellationToken cancellationToken)
    {
        using var stopping = cancellationToken.Register(_guard.Kill);
        var output = new MemoryStream();
        var end = await _guard.Run(order, bytes => output.WriteAsync(bytes, CancellationToken.None));
        cancellationToken.ThrowIfCancellationRequested();
        return (end switch
        {
            CommandEnd.Exited(var code) => code,
            CommandEnd.Signalled(var signal) => 128 + signal,
            _ => throw new IOException($"The sandbox ended: {(await _guard.Ended).Words}"),
        }, Encoding.UTF8.GetString(output.ToArray()));
    }
}
