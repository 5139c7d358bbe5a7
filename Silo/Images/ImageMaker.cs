using System.Collections.Immutable;
using System.Globalization;
using Builds.Execution;
using Builds.Execution.Packages;
using Builds.Execution.Sandbox;

namespace Builds.Images;

/// <summary>
/// Makes images: the stock root file system stays as it came, and a layer above it holds user <c>build</c> and what builds need of programs. Throws
/// <see cref="IOException"/> with what went wrong and where; then nothing is left.
/// </summary>
internal sealed class ImageMaker(ImageStore store, SandboxMachine machine, GuardProgram program, Action<string> tell)
{
    private static readonly ImmutableArray<string> Needed = ["bash", "git", "curl", "sudo", "ssh", "gpg"];
    private static readonly TimeSpan Lease = TimeSpan.FromHours(2);

    /// <summary>What somebody asks for by hand. Throws <see cref="IOException"/> too if there is an image of that name.</summary>
    public async Task<Image> Add(ImageOrder order, DateTimeOffset now, CancellationToken cancellationToken)
    {
        store.MustBeFree(order.Name);
        var draft = store.Draft(order.Name);
        try
        {
            return store.Add(await Draw(order, draft, now, cancellationToken), draft);
        }
        finally
        {
            await program.MustWipe(draft);
        }
    }

    /// <summary>What the first build of an image asks for, in place of what bears that name and does not count. Whatever counts is the result if it is there.</summary>
    public async Task<Image> Bring(OfferedImage offer, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (Counting(offer) is { } known) return known;
        var draft = store.Draft(offer.Name);
        try
        {
            var image = await Draw(offer.Order!, draft, now, cancellationToken) with { Order = offer.Order };
            // Somebody else may have been faster.
            if (Counting(offer) is { } other) return other;
            await Remove(offer.Name);
            return store.Add(image, draft);
        }
        finally
        {
            await program.MustWipe(draft);
        }
    }

    /// <summary>Whom of this machine the files of an image's root belong to.</summary>
    private uint Root => program.Subordinates?.FirstUser ?? 0;

    private Image? Counting(OfferedImage offer) => store.List().FirstOrDefault(image =>
        image.Name == offer.Name && (image.Order == offer.Order || (image.Order is null && offer.Origin == ImageOrigin.Known)));

    /// <summary>The image with its layers in the draft's directory.</summary>
    private async Task<Image> Draw(ImageOrder order, string draft, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // Before minutes go into what nothing here can run.
        var (driver, why) = machine.DriverOf(order.Driver);
        if (driver is null) throw new IOException($"Image '{order.Name}' cannot run on this machine: {why}.");
        var (stock, digest) = order.Oci is { } reference ? await Pull(reference, draft, cancellationToken) : (await Unpack(order.RootFs!, draft, cancellationToken), null);
        var source = order.Oci ?? Path.GetFullPath(order.RootFs!);
        if (!Directory.Exists(Path.Combine(stock, "bin")) && !Directory.Exists(Path.Combine(stock, "usr")))
            throw new IOException($"{source} is no root file system: it has neither bin nor usr.");
        var users = Path.Combine(draft, "users");
        Directory.CreateDirectory(users);
        var user = ImageUsers.Add(stock, users, await Passwords(stock, draft));
        if (program.Subordinates is not null) await AsRootOfImages($"{users} cannot be given to root of the image", ["/bin/chown", "--recursive", "0:0", users], cancellationToken);
        var image = new Image
        {
            Name = order.Name,
            Driver = order.Driver,
            Layers = [users, stock],
            Source = source,
            Digest = digest,
            User = user,
            Root = Root,
            Network = order.Network,
            Preamble = order.Preamble,
            Install = order.Install,
            Added = now,
        };
        return order.Plain ? image : image with { Derived = await DerivedOf(image, driver, draft, cancellationToken) };
    }

    /// <summary>Removes an image; false if there is none of that name. Builds that run in it may fail.</summary>
    public async Task<bool> Remove(string name)
    {
        if (store.Remove(name) is not { } removed) return false;
        await program.MustWipe(removed);
        return true;
    }

    private async Task<string> Unpack(string path, string draft, CancellationToken cancellationToken)
    {
        if (Directory.Exists(path)) return await Belongs(path) ? RealPath.Of(path) : throw new IOException(
            $"{path} belongs to other users than the subordinate ones that builds have here, and would not be theirs to change; to mend it: tar --numeric-owner --owner=0 --group=0 -C {path} -cf rootfs.tar . and --rootfs rootfs.tar");
        if (!File.Exists(path)) throw new IOException($"There is no {path}.");
        tell($"Unpacking {path}");
        var stock = Path.Combine(draft, "stock");
        Directory.CreateDirectory(stock);
        await AsRootOfImages(
            $"{path} cannot be unpacked", ["/bin/tar", "--extract", "--file", Path.GetFullPath(path), "--directory", stock, "--numeric-owner", "--preserve-permissions", "--exclude=./dev/*", "--exclude=dev/*"], cancellationToken);
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

    private async Task AsRootOfImages(string failure, IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        var (path, words) = program.AsRootOfImages(command[0], [.. command.Skip(1)]);
        var end = await Tool.Run(path, words, [], cancellationToken);
        if (end.Code != 0) throw new IOException($"{failure}: {end.Words}");
    }

    /// <summary>Podman brings it; from then on it is a root file system like any other. What another image has of it already is shared with that, and neither needs the other.</summary>
    private async Task<(string Stock, string Digest)> Pull(string reference, string draft, CancellationToken cancellationToken)
    {
        tell($"Bringing {reference}");
        var podman = new PodmanImages(draft);
        var pulled = await podman.Pull(reference, cancellationToken);
        var stock = Path.Combine(draft, "stock");
        if (store.List().FirstOrDefault(image => image.Digest == pulled.Digest && image.Root == Root) is { } twin)
        {
            tell($"Image {twin.Name} is the same, {pulled.Digest}");
            await Share(twin.Layers[^1], stock, cancellationToken);
            return (stock, pulled.Digest);
        }
        if (!SandboxMachine.IsRoot)
        {
            // Only podman itself sees its storage, as a user whom builds have no part of.
            var archive = Path.Combine(draft, "stock.tar");
            await podman.Export(pulled, archive, cancellationToken);
            await Unpack(archive, draft, cancellationToken);
            File.Delete(archive);
            return (stock, pulled.Digest);
        }
        tell($"Unpacking {pulled.Digest}");
        await podman.Copy(pulled, stock, cancellationToken);
        // Every build has its own.
        await program.MustWipe(Path.Combine(stock, "dev"));
        Directory.CreateDirectory(Path.Combine(stock, "dev"));
        return (stock, pulled.Digest);
    }

    /// <summary>Files of layers never change: one more name for each costs nothing.</summary>
    private Task Share(string layer, string copy, CancellationToken cancellationToken) =>
        AsRootOfImages($"{layer} cannot be shared", ["/bin/cp", "--archive", "--link", layer, copy], cancellationToken);

    /// <summary>The layer with what builds need of programs, made once for all images that are the same below it; null: nothing was missing.</summary>
    private async Task<DerivedLayer?> DerivedOf(Image image, ISandboxDriver driver, string draft, CancellationToken cancellationToken)
    {
        var twin = store.List().FirstOrDefault(other => other.Derived is not null && image.Digest is not null && (other.Digest, other.Install, other.User, other.Root) == (image.Digest, image.Install, image.User, image.Root));
        if (twin?.Derived is not { } derived) return await Derive(image, driver, draft, cancellationToken);
        var layer = Path.Combine(draft, "derived");
        await Share(derived.Directory, layer, cancellationToken);
        return derived with { Directory = layer };
    }

    /// <summary>Installs what is missing of the programs that builds need.</summary>
    private async Task<DerivedLayer?> Derive(Image image, ISandboxDriver driver, string draft, CancellationToken cancellationToken)
    {
        if (machine.Making.CurrentCount == 0) tell("Waiting until another image is made");
        await using var sandbox = await MakingSandbox.Start(machine, image, driver, BootClock.Now + Lease, cancellationToken);
        var missing = await sandbox.Lines($"for p in {string.Join(' ', Needed)}; do command -v $p >/dev/null || echo $p; done; true", cancellationToken);
        if (missing.IsEmpty) return null;
        var found = PackageManagers.Of(await sandbox.Text(PackageManagers.Probe, cancellationToken));
        // A command of its own takes the names that the image's family has for programs.
        if (image.Install is not null) found ??= PackageManagers.OfImage(image.Name) ?? PackageManager.Apt;
        if (found is not { } manager)
        {
            tell($"It has no package manager that is known, and lacks {string.Join(", ", missing)}: builds must do without");
            return null;
        }
        tell($"Installing {string.Join(", ", missing)}");
        if (!SandboxMachine.IsRoot && !machine.HasNat && image.Network != ImageNetwork.Host)
            tell($"There is no network for that: {machine.WhyNoNetworks}. With the machine's own, for its builds too: builds image add {image.Name} --network host; in the settings, Network=Host");
        var manifest = new Manifests.BuildManifest { Image = image.Name, Packages = [.. missing.Select(program => PackageManagers.PackageOf(manager, program)), .. manager == PackageManager.Apt ? ["ca-certificates"] : Array.Empty<string>()] };
        var setup = (SetupCommands.Written)PackageSetup.Of(manifest, manager, image.Install);
        foreach (var command in setup.Commands)
        {
            var (code, output) = await sandbox.Run(command.Words, cancellationToken);
            if (code != 0)
                throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{command.What} failed with exit status {code}:\n{Tail(output)}\nTo have the image without them: builds image add {image.Name} --plain; in the settings, Plain=true"));
        }
        return await sandbox.Keep(Path.Combine(draft, "derived"));
    }

    private static string Tail(string text) => string.Join('\n', text.TrimEnd().Split('\n').TakeLast(20));
}

