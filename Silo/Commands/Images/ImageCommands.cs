using System.CommandLine;
using Builds.Cluster;
using Builds.Execution;
using Builds.Execution.Sandbox;
using Builds.Execution.Slots;
using Builds.Images;
using Microsoft.Extensions.Options;

namespace Builds.Commands.Images;

/// <summary><c>builds image</c>: on this machine, in its data directory, with a silo running on it or not.</summary>
internal static class ImageCommands
{
    private const string OwnImages = $"{ImageOptions.Section}:{nameof(ImageOptions.Own)}";

    private static readonly Argument<string> Name = new("NAME") { Description = "As manifests name it, for example debian/stable." };
    private static readonly Option<string?> RootFs = new("--rootfs") { Description = "A root file system: a directory, which is used where it is and stays as it is, or an archive for tar.", HelpName = "DIR|TAR" };
    private static readonly Option<string?> Oci = new("--oci") { Description = "An image of a registry, or whatever else podman pull takes. Needs podman. Default: where the usual stock image of that name is, as for debian/stable.", HelpName = "REF" };
    private static readonly Option<ImageDriver?> Driver = new("--driver") { Description = "What runs its builds. Default: podman for --oci and a user who is root, else bubblewrap.", HelpName = "DRIVER" };
    private static readonly Option<ImageNetwork> Network = new("--network") { Description = "nat: a network of the build's own; none; host: the machine's. Default: nat.", HelpName = "NETWORK" };
    private static readonly Option<string?> Preamble = new("--preamble") { Description = "A file that is put before every task instead of the usual lines, which need bash.", HelpName = "FILE" };
    private static readonly Option<string?> Install = new("--install") { Description = "A shell command that installs packages, which are its arguments. Default: by the package manager that it has.", HelpName = "COMMAND" };
    private static readonly Option<bool> Plain = new("--plain") { Description = "Install nothing: else bash, git, curl, sudo, ssh and gpg are installed once, where they are missing." };
    private static readonly Option<string> Data = new("--data") { Description = "The data directory of the silo.", HelpName = "DIR", DefaultValueFactory = _ => "./data" };

    public static Command Create()
    {
        Name.Validators.Add(argument =>
        {
            if (Image.Mistake(argument.GetValueOrDefault<string>()) is { } mistake) argument.AddError(mistake);
        });
        return new Command("image", "Manages the images of this machine. A silo that runs offers a new one at once.")
        {
            Make("list", "Lists the images of this machine.", List),
            Make("add", "Makes an image of a root file system.", Add, Name, RootFs, Oci, Driver, Network, Preamble, Install, Plain),
            Make("remove", "Removes an image; the directory that it was made of stays.", Remove, Name),
            Make("test", "Tells what works in an image on this machine. Exit status 1 if something does not.", Test, Name),
        };
    }

    private static Command Make(string name, string description, Func<ParseResult, Workshop, CancellationToken, Task<int>> action, params Symbol[] symbols)
    {
        var command = new Command(name, description);
        foreach (var argument in symbols.OfType<Argument>()) command.Add(argument);
        foreach (var option in symbols.OfType<Option>()) command.Add(option);
        command.Add(Data);
        command.SetAction(async (line, cancellationToken) =>
        {
            await using var services = Services(DataDirectory.Create(line.GetRequiredValue(Data)));
            await using var workshop = new Workshop(services, line.InvocationConfiguration.Output);
            return await action(line, workshop, cancellationToken);
        });
        return command;
    }

    private static async Task<int> List(ParseResult line, Workshop workshop, CancellationToken cancellationToken)
    {
        foreach (var image in workshop.Offered.List())
        {
            var (source, network) = image.Made is { } made ? ($"{made.Source}{(made.Digest is { } digest ? $" {digest}" : "")}", made.Network) : (image.Order!.Oci ?? image.Order.RootFs, image.Order.Network);
            await workshop.Output.WriteLineAsync($"{image.Name,-20}  {image.Driver.ToString().ToLowerInvariant(),-10}  {network.ToString().ToLowerInvariant(),-4}  {source}{Remark(image)}");
        }
        return ExitCode.Done;
    }

    private static string Remark(OfferedImage image) => image switch
    {
        { Origin: ImageOrigin.Dropped } => "  (not on offer: the silo made it, and the settings do not name it any more)",
        { Origin: ImageOrigin.Settings, Made: null } => "  (in the settings, not made yet)",
        { Origin: ImageOrigin.Settings } => "  (in the settings)",
        { Origin: ImageOrigin.Known, Made: null } => "  (known, not brought yet)",
        { Origin: ImageOrigin.Known } => "  (known)",
        _ => "",
    };

    private static async Task<int> Add(ParseResult line, Workshop workshop, CancellationToken cancellationToken)
    {
        var name = line.GetRequiredValue(Name);
        var image = workshop.Offered.List().FirstOrDefault(offered => offered.Name == name) is { Origin: ImageOrigin.Settings } own
            ? await AddOwn(line, workshop, own, cancellationToken)
            : await (await workshop.Maker()).Add(await Order(line, name, cancellationToken), TimeProvider.System.GetUtcNow(), cancellationToken);
        await workshop.Output.WriteLineAsync($"Image {image.Name} is there. What works in it: builds image test {image.Name}");
        return ExitCode.Done;
    }

    private static async Task<ImageOrder> Order(ParseResult line, string name, CancellationToken cancellationToken)
    {
        var (rootFs, oci) = (line.GetValue(RootFs), line.GetValue(Oci));
        if (rootFs is null && oci is null) oci = KnownImages.References.GetValueOrDefault(name);
        if ((rootFs is null) == (oci is null))
            throw new CommandException(ExitCode.Usage, "an image is made of either --rootfs DIR|TAR or --oci REF");
        return new ImageOrder
        {
            Name = name,
            Driver = line.GetValue(Driver) ?? ImageOrder.DriverFor(oci),
            RootFs = rootFs,
            Oci = oci,
            Network = line.GetValue(Network),
            Preamble = line.GetValue(Preamble) is { } file ? await File.ReadAllTextAsync(file, cancellationToken) : null,
            Install = line.GetValue(Install),
            Plain = line.GetValue(Plain),
        };
    }

    /// <summary>What the first build would do. The settings say how, and nobody else.</summary>
    private static async Task<Image> AddOwn(ParseResult line, Workshop workshop, OfferedImage own, CancellationToken cancellationToken)
    {
        if (new Option[] { RootFs, Oci, Driver, Network, Preamble, Install, Plain }.FirstOrDefault(option => line.GetResult(option) is { Implicit: false }) is { } option)
            throw new CommandException(ExitCode.Usage, $"{option.Name}: image '{own.Name}' is in the settings, which say how it is made: change it below {OwnImages}, or add one of another name");
        if (own.Made is not null) throw new CommandException(ExitCode.CouldNotRun, $"image '{own.Name}' is made already, by the settings; 'builds image remove {own.Name}' first to make it again");
        return await (await workshop.Maker()).Bring(own, TimeProvider.System.GetUtcNow(), cancellationToken);
    }

    private static async Task<int> Remove(ParseResult line, Workshop workshop, CancellationToken cancellationToken)
    {
        var name = line.GetRequiredValue(Name);
        var image = workshop.Offered.List().FirstOrDefault(offered => offered.Name == name);
        var removed = await (await workshop.Maker()).Remove(name);
        if (image?.Order is null) return removed ? ExitCode.Done : throw Unknown(name, workshop);
        var source = image.Origin == ImageOrigin.Known ? $"a usual name, on offer until {ImageOptions.Section}:{nameof(ImageOptions.Known)} is false" : $"in the settings, below {OwnImages}";
        if (!removed) throw new CommandException(ExitCode.CouldNotRun, $"image '{name}' is not made yet: it is {source}");
        await workshop.Output.WriteLineAsync($"What was made for image {name} is removed. The next build that wants it makes it again: it is {source}");
        return ExitCode.Done;
    }

    private static async Task<int> Test(ParseResult line, Workshop workshop, CancellationToken cancellationToken)
    {
        var name = line.GetRequiredValue(Name);
        var offered = workshop.Offered.Find(name) ?? throw Unknown(name, workshop);
        var image = offered.Made ?? throw new CommandException(ExitCode.CouldNotRun, $"image '{offered.Name}' is not made yet: its first build makes it, or 'builds image add {offered.Name}' now");
        var lines = await ImageTrial.Try(await workshop.Machine(), image, cancellationToken);
        foreach (var one in lines)
            await workshop.Output.WriteLineAsync($"{(one.Works switch { true => "ok", false => "NO", null => "--" })}  {one.What}");
        return lines.Any(one => one.Works == false) ? ExitCode.BuildFailed : ExitCode.Done;
    }

    private static CommandException Unknown(string name, Workshop workshop) =>
        new(ExitCode.CouldNotRun, $"there is no image '{name}' on this machine; there are: {string.Join(", ", workshop.Offered.List().Select(image => image.Name).DefaultIfEmpty("none"))}");

    private static ServiceProvider Services(DataDirectory data)
    {
        var settings = new ConfigurationBuilder().SetBasePath(AppContext.BaseDirectory).AddJsonFile("appsettings.json", optional: true).AddEnvironmentVariables().Build();
        return new ServiceCollection().AddLogging().AddSingleton<IConfiguration>(settings).AddBuildsExecution(options => options.DataDirectory = data.Path).BuildServiceProvider();
    }

    /// <summary>What the commands work with; the machine is tried only when it is needed.</summary>
    private sealed class Workshop(IServiceProvider services, TextWriter output) : IAsyncDisposable
    {
        private SandboxMachine? machine;

        public TextWriter Output => output;

        public OfferedImages Offered => services.GetRequiredService<OfferedImages>();

        public async Task<SandboxMachine> Machine() => machine ??= await SandboxMachine.Open(
            services.GetRequiredService<IOptions<ExecutionOptions>>().Value, services.GetRequiredService<GuardProgram>(), services.GetRequiredService<SlotUsers>());

        public async Task<ImageMaker> Maker() => new(services.GetRequiredService<ImageStore>(), await Machine(), services.GetRequiredService<GuardProgram>(), output.WriteLine);

        public ValueTask DisposeAsync() => machine?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
