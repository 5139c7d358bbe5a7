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

    private Image? Counting(OfferedImage offer) => store.List().FirstOrDefault(image =>
        image.Name == offer.Name && (image.Order == offer.Order || (image.Order is null && offer.Origin == ImageOrigin.Known)));

    /// <summary>The image with its layers in the draft's directory.</summary>
    private async Task<Image> Draw(ImageOrder order, string draft, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var (stock, digest) = order.Oci is { } reference ? await Pull(reference, draft, cancellationToken) : (await Unpack(order.RootFs!, draft, cancellationToken), null);
        var source = order.Oci ?? Path.GetFullPath(order.RootFs!);
        if (!Directory.Exists(Path.Combine(stock, "bin")) && !Directory.Exists(Path.Combine(stock, "usr")))
            throw new IOException($"{source} is no root file system: it has neither bin nor usr.");
        var users = Path.Combine(draft, "users");
        Directory.CreateDirectory(users);
        var image = new Image
        {
            Name = order.Name,
            Driver = order.Driver,
            Layers = [users, stock],
            Source = source,
            Digest = digest,
            User = ImageUsers.Add(stock, users),
            Network = order.Network,
            Preamble = order.Preamble,
            Install = order.Install,
            Added = now,
        };
        var (driver, why) = machine.DriverOf(image.Driver);
        if (driver is null) throw new IOException($"Image '{order.Name}' cannot run on this machine: {why}.");
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
        if (Directory.Exists(path)) return RealPath.Of(path);
        if (!File.Exists(path)) throw new IOException($"There is no {path}.");
        tell($"Unpacking {path}");
        var stock = Path.Combine(draft, "stock");
        Directory.CreateDirectory(stock);
        var end = await Tool.Run(
            "/bin/tar", ["--extract", "--file", Path.GetFullPath(path), "--directory", stock, "--numeric-owner", "--preserve-permissions", "--exclude=./dev/*", "--exclude=dev/*"], [], cancellationToken);
        return end.Code == 0 ? stock : throw new IOException($"{path} cannot be unpacked: {end.Words}");
    }

    /// <summary>Podman brings it; from then on it is a root file system like any other. What another image has of it already is shared with that, and neither needs the other.</summary>
    private async Task<(string Stock, string Digest)> Pull(string reference, string draft, CancellationToken cancellationToken)
    {
        tell($"Bringing {reference}");
        var podman = new PodmanImages(draft);
        var pulled = await podman.Pull(reference, cancellationToken);
        var stock = Path.Combine(draft, "stock");
        if (store.List().FirstOrDefault(image => image.Digest == pulled.Digest) is { } twin)
        {
            tell($"Image {twin.Name} is the same, {pulled.Digest}");
            await Share(twin.Layers[^1], stock, cancellationToken);
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
    private static async Task Share(string layer, string copy, CancellationToken cancellationToken)
    {
        var end = await Tool.Run("/bin/cp", ["--archive", "--link", layer, copy], [], cancellationToken);
        if (end.Code != 0) throw new IOException($"{layer} cannot be shared: {end.Words}");
    }

    /// <summary>The layer with what builds need of programs, made once for all images that are the same below it; null: nothing was missing.</summary>
    private async Task<DerivedLayer?> DerivedOf(Image image, ISandboxDriver driver, string draft, CancellationToken cancellationToken)
    {
        var twin = store.List().FirstOrDefault(other => other.Derived is not null && image.Digest is not null && (other.Digest, other.Install, other.User) == (image.Digest, image.Install, image.User));
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

