using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
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
        Mark = MarkPrefix + Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(DataDirectory)))[..16];
        _directory = new(LayOut);
        _nice = options.Value.Nice;
    }

    public string DataDirectory { get; }

    public string Mark { get; }

    /// <summary>The directory that holds <c>init</c> and <c>bin</c>.</summary>
    public string Directory => _directory.Value;

    public string Init => Path.Combine(Directory, "init");

    /// <summary>The arguments of a guard.</summary>
    public IEnumerable<string> Arguments(Slot slot, bool ownNamespace, TimeSpan lease, string name)
    {
        var user = slot.User?.ToString(CultureInfo.InvariantCulture) ?? "-";
        return
        [
            ownNamespace ? "namespace" : "process", user, user,
            GuardFrames.Nanoseconds(lease).ToString(CultureInfo.InvariantCulture), Mark, name,
        ];
    }

    /// <summary>Removes a directory that a build had (Init/wipe.h).</summary>
    public async Task<GuardEnd> Wipe(string directory)
    {
        await using var wipe = Guard.Start(Init, ["wipe", directory], _nice);
        return await wipe.Ended;
    }

    private string LayOut()
    {
        using var program = typeof(GuardProgram).Assembly.GetManifestResourceStream(ResourceName)
            ?? throw new PlatformNotSupportedException($"Builds cannot run on {RuntimeInformation.ProcessArchitecture}: there is a guard for x64 and arm64.");
        using var bytes = new MemoryStream();
        program.CopyTo(bytes);
        var hash = Convert.ToHexStringLower(SHA256.HashData([.. bytes.ToArray(), .. Sudo.Select(c => (byte)c)]))[..16];
        var directory = Path.Combine(DataDirectory, "tools", hash);
        if (System.IO.Directory.Exists(directory)) return directory;
        // Whole or not at all, also when two do it at once: a directory of this name is complete.
        var draft = $"{directory}.{Environment.ProcessId}";
        System.IO.Directory.CreateDirectory(Path.Combine(draft, "bin"), Executable);
        File.WriteAllBytes(Path.Combine(draft, "init"), bytes.ToArray());
        File.SetUnixFileMode(Path.Combine(draft, "init"), Executable);
        File.WriteAllText(Path.Combine(draft, "bin", "sudo"), Sudo);
        File.SetUnixFileMode(Path.Combine(draft, "bin", "sudo"), Executable);
        foreach (var made in new[] { Path.Combine(DataDirectory, "tools"), draft, Path.Combine(draft, "bin") })
            File.SetUnixFileMode(made, Executable);
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

    private const string Sudo =
        "#!/bin/sh\necho 'sudo: image host is this machine itself, where no build may become root; use an image with sudo.' >&2\nexit 1\n";

    private static string ResourceName =>
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "init-arm64.bin" : "init-x64.bin";
}
