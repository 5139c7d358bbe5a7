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
        foreach (var image in workshop.Store.List())
            await workshop.Output.WriteLineAsync($"{image.Name,-20}  {image.Driver.ToString().ToLowerInvariant(),-10}  {image.Network.ToString().ToLowerInvariant(),-4}  {image.Source}{(image.Digest is { } digest ? $" {digest}" : "")}");
        return ExitCode.Done;
    }

    private static async Task<int> Add(ParseResult line, Workshop workshop, CancellationToken cancellationToken)
    {
        var (rootFs, oci) = (line.GetValue(RootFs), line.GetValue(Oci));
        if (rootFs is null && oci is null) oci = KnownImages.References.GetValueOrDefault(line.GetRequiredValue(Name));
        if ((rootFs is null) == (oci is null))
            throw new CommandException(ExitCode.Usage, "an image is made of either --rootfs DIR|TAR or --oci REF");
        var image = await (await workshop.Maker()).Make(
            new ImageOrder
            {
                Name = line.GetRequiredValue(Name),
                Driver = line.GetValue(Driver) ?? (oci is null || !SandboxMachine.IsRoot ? ImageDriver.Bubblewrap : ImageDriver.Podman),
                RootFs = rootFs,
                Oci = oci,
                Network = line.GetValue(Network),
                Preamble = line.GetValue(Preamble) is { } file ? await File.ReadAllTextAsync(file, cancellationToken) : null,
                Install = line.GetValue(Install),
                Plain = line.GetValue(Plain),
            },
            TimeProvider.System.GetUtcNow(),
            cancellationToken);
        await workshop.Output.WriteLineAsync($"Image {image.Name} is there. What works in it: builds image test {image.Name}");
        return ExitCode.Done;
    }

    private static async Task<int> Remove(ParseResult line, Workshop workshop, CancellationToken cancellationToken)
    {
        var name = line.GetRequiredValue(Name);
        return await (await workshop.Maker()).Remove(name) ? ExitCode.Done : throw Unknown(name, workshop);
    }

    private static async Task<int> Test(ParseResult line, Workshop workshop, CancellationToken cancellationToken)
    {
        var name = line.GetRequiredValue(Name);
        var image = workshop.Store.Find(name) ?? throw Unknown(name, workshop);
        var lines = await ImageTrial.Try(await workshop.Machine(), image, cancellationToken);
        foreach (var one in lines)
            await workshop.Output.WriteLineAsync($"{(one.Works switch { true => "ok", false => "NO", null => "--" })}  {one.What}");
        return lines.Any(one => one.Works == false) ? ExitCode.BuildFailed : ExitCode.Done;
    }

    private static CommandException Unknown(string name, Workshop workshop) =>
        new(ExitCode.CouldNotRun, $"there is no image '{name}' on this machine; there are: {string.Join(", ", workshop.Store.List().Select(image => image.Name).DefaultIfEmpty("none"))}");

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

        public ImageStore Store => services.GetRequiredService<ImageStore>();

        public async Task<SandboxMachine> Machine() => machine ??= await SandboxMachine.Open(
            services.GetRequiredService<IOptions<ExecutionOptions>>().Value, services.GetRequiredService<GuardProgram>(), services.GetRequiredService<SlotUsers>());

        public async Task<ImageMaker> Maker() => new(Store, await Machine(), services.GetRequiredService<GuardProgram>(), output.WriteLine);

        public ValueTask DisposeAsync() => machine?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
