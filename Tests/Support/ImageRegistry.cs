using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Builds.Execution.Sandbox;
using Builds.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Builds.Support;

/// <summary>
/// A registry of this machine, on a free port, without TLS (OCI distribution specification, what a pull needs of it). Podman with <see cref="Environment"/>
/// takes it for docker.io too, and keeps what it brings in a directory that is gone with it.
/// </summary>
internal sealed class ImageRegistry : IAsyncDisposable
{
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json", IndexType = "application/vnd.oci.image.index.v1+json";

    private readonly TempFolder _folder = new();
    private readonly ConcurrentDictionary<string, (string Type, byte[] Bytes)> _manifests = [];
    private readonly ConcurrentDictionary<string, string> _blobs = [];
    private readonly ConcurrentDictionary<string, string> _layers = [];
    private readonly WebApplication _app;

    private ImageRegistry()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapGet("/v2/", () => "{}");
        _app.MapMethods("/v2/{**path}", ["GET", "HEAD"], Answer);
    }

    /// <summary>As references begin with it.</summary>
    public string Name => $"localhost:{new Uri(_app.Urls.Single()).Port}";

    /// <summary>How often a manifest or a layer was asked for, by its path below <c>/v2/</c>.</summary>
    public ConcurrentDictionary<string, int> Asked { get; } = [];

    /// <summary>Awaited before each answer about such a path.</summary>
    public Func<string, Task> Before { get; set; } = static _ => Task.CompletedTask;

    /// <summary>What podman must be told.</summary>
    public (string Name, string Value)[] Environment =>
        [("CONTAINERS_REGISTRIES_CONF", Path.Combine(_folder.Path, "registries.conf")), ("CONTAINERS_STORAGE_CONF", Path.Combine(_folder.Path, "storage.conf"))];

    public static string OwnArchitecture => RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "amd64";

    public static async Task<ImageRegistry> Start()
    {
        var registry = new ImageRegistry();
        await registry._app.StartAsync();
        string Remapped(string name) => $"[[registry]]\nprefix = \"{name}\"\nlocation = \"{registry.Name}\"\ninsecure = true\n";
        await File.WriteAllTextAsync(Path.Combine(registry._folder.Path, "registries.conf"), Remapped("docker.io") + Remapped("registry.acme.example") + Remapped(registry.Name));
        await File.WriteAllTextAsync(Path.Combine(registry._folder.Path, "storage.conf"),
            $"[storage]\ndriver = \"overlay\"\ngraphroot = \"{registry._folder.Path}/storage\"\nrunroot = \"{registry._folder.Path}/run\"\n");
        return registry;
    }

    /// <summary>Has an image of one layer from now on; its digest.</summary>
    /// <param name="repository">Without the registry's name.</param>
    /// <param name="tag">Its other names are further calls.</param>
    /// <param name="archive">A tar of its root file system.</param>
    /// <param name="architecture">For which machines.</param>
    public async Task<string> Add(string repository, string tag, string archive, string? architecture = null)
    {
        if (!_layers.TryGetValue(archive, out var layer))
        {
            await using var content = File.OpenRead(archive);
            layer = _layers[archive] = "sha256:" + Convert.ToHexStringLower(await SHA256.HashDataAsync(content));
            _blobs[layer] = archive;
        }
        var config = JsonSerializer.SerializeToUtf8Bytes(new
        {
            architecture = architecture ?? OwnArchitecture,
            os = "linux",
            config = new { },
            rootfs = new { type = "layers", diff_ids = new[] { layer } },
        });
        var file = Path.Combine(_folder.Path, Digest(config)["sha256:".Length..]);
        await File.WriteAllBytesAsync(file, config);
        _blobs[Digest(config)] = file;
        return Publish(repository, tag, ManifestType, new
        {
            schemaVersion = 2,
            mediaType = ManifestType,
            config = new { mediaType = "application/vnd.oci.image.config.v1+json", digest = Digest(config), size = config.Length },
            layers = new[] { new { mediaType = "application/vnd.oci.image.layer.v1.tar", digest = layer, size = new FileInfo(archive).Length } },
        });
    }

    /// <summary>The digest of an archive that was added.</summary>
    public string LayerOf(string archive) => _layers[archive];

    /// <summary>Has one name for images of several architectures from now on; its digest.</summary>
    public string AddIndex(string repository, string tag, params (string Architecture, string Digest)[] images) => Publish(repository, tag, IndexType, new
    {
        schemaVersion = 2,
        mediaType = IndexType,
        manifests = images.Select(image => new
        {
            mediaType = ManifestType,
            digest = image.Digest,
            size = _manifests[$"{repository}/manifests/{image.Digest}"].Bytes.Length,
            platform = new { architecture = image.Architecture, os = "linux" },
        }),
    });

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        // Podman mounts its storage on itself.
        var mounted = (await File.ReadAllLinesAsync("/proc/self/mounts")).Select(line => line.Split(' ')[1]).Where(path => RealPath.IsWithin(path, _folder.Path));
        foreach (var path in mounted.Reverse()) await Tool.Run("/bin/umount", path);
        _folder.Dispose();
    }

    private string Publish(string repository, string tag, string type, object manifest)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(manifest);
        foreach (var name in new[] { tag, Digest(bytes) }) _manifests[$"{repository}/manifests/{name}"] = (type, bytes);
        return Digest(bytes);
    }

    private async Task<IResult> Answer(HttpContext context, string path)
    {
        await Before(path).WaitAsync(context.RequestAborted);
        Asked.AddOrUpdate(path, 1, (_, count) => count + 1);
        if (_manifests.TryGetValue(path, out var manifest))
        {
            context.Response.Headers["Docker-Content-Digest"] = Digest(manifest.Bytes);
            return Results.Bytes(manifest.Bytes, manifest.Type);
        }
        return path.Split("/blobs/") is [_, var digest] && _blobs.TryGetValue(digest, out var file) ? Results.File(file, "application/octet-stream") : Results.NotFound();
    }

    private static string Digest(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
}
