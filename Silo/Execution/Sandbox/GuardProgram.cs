using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Builds.Execution.Networks;
using Builds.Execution.Slots;
using Microsoft.Extensions.Options;

namespace Builds.Execution.Sandbox;

/// <summary>
/// The guard's program, which travels inside this assembly, laid out in the data directory together with the few tools that
/// builds see first.
/// </summary>
internal sealed class GuardProgram
{
    /// <summary>On the command line of every guard of one data directory, so that a later silo knows what to end.</summary>
    public const string MarkPrefix = "builds-data=";

    private const UnixFileMode Executable = (UnixFileMode)0b111_101_101;
    private readonly Lazy<string> _directory;
    private readonly int _nice;

    public GuardProgram(IOptions<ExecutionOptions> options)
    {
        DataDirectory = RealPath.Of(options.Value.DataDirectory);
        Mark = MarkPrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(DataDirectory)))[..16];
        _directory = new(LayOut);
        _nice = options.Value.Nice;
        Hidden = [.. options.Value.Hidden];
    }

    public string DataDirectory { get; }

    /// <summary>See <see cref="ExecutionOptions.Hidden"/>.</summary>
    public ImmutableArray<string> Hidden { get; }

    public string Mark { get; }

    /// <summary>Whose the files of images and of their builds are, where the silo is not root and has such users.</summary>
    public SubordinateUsers? Subordinates { get; } = SubordinateUsers.Find().Users;

    /// <summary>The directory that holds <c>init</c>, and the programs that builds see first: <c>bin</c> on the machine itself, <c>image</c> in an image.</summary>
    public string Directory => _directory.Value;

    public string Init => Path.Combine(Directory, "init");

    /// <summary>The arguments of a guard.</summary>
    /// <param name="mode">process, namespace, mapped or container: Init/init.c.</param>
    /// <param name="user">Whom it starts commands as, in its own numbers; null: as itself.</param>
    public IEnumerable<string> Arguments(string mode, uint? user, SandboxOrder order)
    {
        var number = user?.ToString(CultureInfo.InvariantCulture) ?? "-";
        return [mode, number, number, GuardFrames.Nanoseconds(order.Lease).ToString(CultureInfo.InvariantCulture), Mark, order.Name];
    }

    /// <summary>A command line with what is to be around it.</summary>
    public (string Program, ImmutableArray<string> Arguments) Around(IEnumerable<string> words, string program, IEnumerable<string> arguments)
    {
        ImmutableArray<string> around = [.. words];
        return around.IsEmpty ? (program, [.. arguments]) : (Init, ["enter", .. around, "--", program, .. arguments]);
    }

    /// <summary>The command line of a program that may do with the files of images what root of the image may.</summary>
    public (string Program, ImmutableArray<string> Arguments) AsRootOfImages(string program, params IEnumerable<string> arguments) =>
        Subordinates is { } own ? Around(own.Words, program, arguments) : (program, [.. arguments]);

    /// <summary>Removes a directory that a build had (Init/wipe.h).</summary>
    public async Task<GuardEnd> Wipe(string directory)
    {
        var end = await Run((Init, ["wipe", directory]));
        // What an image's users left is not ours to remove, but theirs.
        return end.Code == 0 || Subordinates is null ? end : await Run(AsRootOfImages(Init, "wipe", directory));
    }

    private async Task<GuardEnd> Run((string Program, ImmutableArray<string> Arguments) command)
    {
        await using var run = Guard.Start(command.Program, command.Arguments, _nice);
        return await run.Ended;
    }

    /// <summary>The same, of whatever is there. Throws <see cref="IOException"/> if something stays.</summary>
    public async Task MustWipe(string directory)
    {
        if (!System.IO.Directory.Exists(directory)) return;
        var end = await Wipe(directory);
        if (end.Code != 0) throw new IOException($"{directory} cannot be removed: {end.Words}");
    }

    private string LayOut()
    {
        using var program = typeof(GuardProgram).Assembly.GetManifestResourceStream(ResourceName)
            ?? throw new PlatformNotSupportedException($"Builds cannot run on {RuntimeInformation.ProcessArchitecture}: there is a guard for x64 and arm64.");
        using var bytes = new MemoryStream();
        program.CopyTo(bytes);
        var hash = Convert.ToHexStringLower(SHA256.HashData([.. bytes.ToArray(), .. Encoding.UTF8.GetBytes(SudoText.Refusing + SudoText.ByTheGuard + OwnNetwork.ResolverText)]))[..16];
        var directory = Path.Combine(DataDirectory, "tools", hash);
        if (System.IO.Directory.Exists(directory)) return directory;
        // Whole or not at all, also when two do it at once: a directory of this name is complete.
        var draft = $"{directory}.{Environment.ProcessId}";
        (string, byte[])[] files =
        [
            ("init", bytes.ToArray()), ("bin/sudo", Encoding.UTF8.GetBytes(SudoText.Refusing)), ("image/sudo", Encoding.UTF8.GetBytes(SudoText.ByTheGuard)),
            (OwnNetwork.ResolverFile, Encoding.UTF8.GetBytes(OwnNetwork.ResolverText)),
        ];
        foreach (var (path, content) in files)
        {
            var file = Path.Combine(draft, path);
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, content);
            foreach (var made in new[] { file, Path.GetDirectoryName(file)! }) File.SetUnixFileMode(made, Executable);
        }
        foreach (var made in new[] { Path.Combine(DataDirectory, "tools"), draft }) File.SetUnixFileMode(made, Executable);
        try
        {
            System.IO.Directory.Move(draft, directory);
        }
        catch (IOException) when (System.IO.Directory.Exists(directory))
        {
            System.IO.Directory.Delete(draft, recursive: true);
        }
        return directory;
    }

    private static string ResourceName =>
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "init-arm64.bin" : "init-x64.bin";
}
