using Builds.Execution.Places;
using Builds.Execution.Recorded;
using Builds.Images;
using Builds.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Builds.Execution.Real;

/// <summary>
/// Debian under all names of images that the manifests ask for, in containers of podman: with make, which theirs have, without curl, which
/// one of them installs, and with what apt has to know of the mirror, so that a build asks only what is new. Made once for all tests of this process.
/// </summary>
internal static class DebianForAll
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(5);
    private static readonly Lock Gate = new();
    private static Task<string>? one;

    /// <summary>For <see cref="ExecutionOptions.Images"/>.</summary>
    public static Task<string> Images()
    {
        lock (Gate) return one ??= Make();
    }

    private static ImageStore Store(string directory) => new(directory, NullLogger<ImageStore>.Instance);

    private static async Task<string> Make()
    {
        var folder = new TempFolder();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        var debian = Store((await TestImages.Shared()).Directory).List().Single(image => image.Name == TestImages.NameOf(Place.DebianPodman));
        await using var harness = new ExecutorHarness();
        var machine = await harness.Service<BuildExecutor>().Start(CancellationToken.None);
        await using var sandbox = await MakingSandbox.Start(machine, debian, machine.DriverOf(debian.Driver).Driver.ShouldNotBeNull(), BootClock.Now + Lease);
        await sandbox.Text("exec 2>&1; apt-get -q update && apt-get -q -y install --no-install-recommends make curl-", CancellationToken.None);
        var layer = await sandbox.Keep(Path.Combine(folder.Path, "layer"));

        var store = Store(Path.Combine(folder.Path, "images"));
        foreach (var name in RealManifest.All.Select(real => RecordedPlans.Read(real.Name).Image).Select(name => KnownImages.Alias(name) ?? name).Distinct())
            // The machine's network, as the server of the sources is on its loopback.
            store.Add(debian with { Name = name, Derived = layer, Network = ImageNetwork.Host }, store.Draft(name));
        return Path.Combine(folder.Path, "images");
    }
}
