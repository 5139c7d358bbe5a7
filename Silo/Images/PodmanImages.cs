using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Builds.Execution.Sandbox;

namespace Builds.Images;

/// <summary>An image that podman has brought.</summary>
/// <param name="Digest">Of what the reference names, for whatever machines that is.</param>
internal sealed record PodmanImage(string Id, string Digest);

/// <summary>
/// Brings images of registries, by podman and into its storage, which it shares with whoever else uses podman on this machine: what is there is not
/// brought again. Throws <see cref="IOException"/>.
/// </summary>
/// <param name="scratch">A directory for what it prints.</param>
internal sealed class PodmanImages(string scratch)
{
    /// <summary>Where podman finds its settings, credentials and proxies, if not where it looks by itself. Nothing else of the silo's environment concerns it.</summary>
    private static readonly ImmutableArray<string> Variables =
    [
        "HOME", "PATH", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "CONTAINERS_CONF", "CONTAINERS_REGISTRIES_CONF", "CONTAINERS_STORAGE_CONF", "REGISTRY_AUTH_FILE", "DOCKER_CONFIG",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
    ];

    /// <summary>What the containers bear that images are copied from: the process that does so.</summary>
    private const string ExportLabel = "builds-export";

    private readonly string _podman = SandboxMachine.FindPodman() ?? throw new IOException("An OCI image needs podman to bring it; to mend it: apt-get install podman");

    private readonly ImmutableArray<string> _environment =
        [.. Variables.Select(name => (name, value: Environment.GetEnvironmentVariable(name) ?? Usual(name))).Where(one => one.value is not null).Select(one => $"{one.name}={one.value}")];

    /// <summary>Asks the registry, and brings what podman does not have yet.</summary>
    public async Task<PodmanImage> Pull(string reference, CancellationToken cancellationToken)
    {
        string id;
        try
        {
            id = (await Run(["pull", "--quiet", "--", reference], cancellationToken)).Split('\n')[^1];
        }
        catch (IOException e)
        {
            throw new IOException($"{reference} cannot be brought: {Reason(e.Message)}. Is the name right, and does this machine reach the registry? 'podman pull {reference}' asks again", e);
        }
        var about = (await Run(["image", "inspect", "--format", "{{.Digest}} {{.Architecture}}", id], cancellationToken)).Split(' ');
        if (about is not [var digest, var architecture]) throw new IOException($"podman image inspect said '{string.Join(' ', about)}' of {reference}, which is no digest and architecture.");
        // Podman takes an image of one architecture whatever that is, and only warns.
        return architecture == Own ? new PodmanImage(id, digest) : throw new IOException($"{reference} is an image for {architecture}, and this machine is {Own}: name one that is for {Own} too.");
    }

    /// <summary>Copies its root file system to a directory that is not there yet.</summary>
    public async Task Copy(PodmanImage image, string directory, CancellationToken cancellationToken)
    {
        var mounted = await Run(["image", "mount", image.Id], cancellationToken);
        try
        {
            var end = await Tool.Run("/bin/cp", ["--archive", mounted, directory], [], cancellationToken);
            if (end.Code != 0) throw new IOException($"{mounted} cannot be copied to {directory}: {end.Words}");
        }
        finally
        {
            await Run(["image", "unmount", image.Id], CancellationToken.None);
        }
    }

    /// <summary>Writes its root file system to an archive for tar, which any user may.</summary>
    public async Task Export(PodmanImage image, string archive, CancellationToken cancellationToken)
    {
        await RemoveLeft(cancellationToken);
        var container = await Run(["create", "--label", $"{ExportLabel}={Environment.ProcessId}", image.Id, "/bin/true"], cancellationToken);
        try
        {
            await Run(["export", "--output", archive, container], cancellationToken);
        }
        finally
        {
            await Run(["rm", container], CancellationToken.None);
        }
    }

    /// <summary>Containers of makers that were killed: podman would keep them and their images for ever.</summary>
    private async Task RemoveLeft(CancellationToken cancellationToken)
    {
        var containers = await Run(["ps", "--all", "--filter", $"label={ExportLabel}", "--format", $"{{{{.ID}}}} {{{{index .Labels \"{ExportLabel}\"}}}}"], cancellationToken);
        var left = containers.Split('\n').Select(line => line.Split(' ')).Where(words => words is [_, var process] && !Directory.Exists($"/proc/{process}")).Select(words => words[0]).ToList();
        // Another maker may remove them too.
        if (left.Count > 0) await Run(["rm", "--force", "--ignore", .. left], cancellationToken);
    }

    /// <summary>What it cannot do without where it is not root.</summary>
    private static string? Usual(string variable) => variable switch
    {
        "PATH" => "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME" => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
        _ => null,
    };

    private static string Own => RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => "amd64",
        var other => other.ToString().ToLowerInvariant(),
    };

    private Task<string> Run(IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        Tool.Output(Path.Combine(scratch, $"podman-{Guid.NewGuid():N}"), _podman, arguments, _environment, cancellationToken);

    /// <summary>Of what podman said the last sentence: before it come its tries.</summary>
    private static string Reason(string words) => words.Split("Error: ")[^1].TrimEnd('.');
}
