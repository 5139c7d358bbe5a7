using System.Diagnostics;
using Builds.Execution.Sandbox;
using Builds.Images;
using Builds.Support;
using Builds.Tests;

namespace Builds.Execution.Places;

/// <summary>The places that builds of the suite run in: the machine itself, a Debian system under either driver, and one that is busybox alone.</summary>
public enum Place
{
    Host,
    DebianBubblewrap,
    DebianPodman,
    BusyboxPodman,
}

/// <summary>
/// Images for all tests of this process, made once: of the archive that <c>Tests/run</c> makes by mmdebstrap, and of Debian's static busybox.
/// </summary>
internal sealed class TestImages
{
    /// <summary>Busybox has no bash: what its shell cannot read of ~/.buildenv is the function in front of the variables.</summary>
    public const string BusyboxPreamble = "#!/bin/sh\neval \"$(sed '1,/^}/d' ~/.buildenv)\"\nset -e\n";

    private static readonly Lock Gate = new();
    private static Task<TestImages>? one;

    private TestImages(string directory, string debian) => (Directory, Debian) = (directory, debian);

    /// <summary>For <see cref="ExecutionOptions.Images"/>.</summary>
    public string Directory { get; }

    /// <summary>The root file system that the Debian images are made of; not to be changed.</summary>
    public string Debian { get; }

    public static string Archive => Repository.PathOf("artifacts", "tests", "debian.tar");

    /// <summary>Why they cannot be made; null if they can.</summary>
    public static string? Missing =>
        Needs.Ci ? null
        : !Needs.Root || !Needs.Bubblewrap ? "needs root and bubblewrap"
        : SandboxMachine.FindPodman() is null || !File.Exists(Busybox.Program) ? "needs podman and busybox: apt-get install podman busybox-static"
        : File.Exists(Archive) ? null : $"{Archive} is not there: Tests/run makes it";

    public static Task<TestImages> Shared()
    {
        lock (Gate) return one ??= Make();
    }

    public static string NameOf(Place place) => place switch
    {
        Place.Host => Image.Host,
        Place.DebianBubblewrap => "debian/bubblewrap",
        Place.DebianPodman => "debian/podman",
        Place.BusyboxPodman => "busybox",
        _ => throw new UnreachableException(place.ToString()),
    };

    private static async Task<TestImages> Make()
    {
        // Not below the data directory of any silo, and out of the way of what a host build sees.
        var folder = new TempFolder();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        await using var harness = new ExecutorHarness(options => options.Images = Path.Combine(folder.Path, "images"));
        var program = harness.Service<GuardProgram>();
        var machine = await harness.Service<BuildExecutor>().Start(CancellationToken.None);
        var maker = new ImageMaker(harness.Service<ImageStore>(), machine, program, _ => { });
        var debian = Path.Combine(folder.Path, "debian");
        System.IO.Directory.CreateDirectory(debian);
        var end = await Tool.Run("/bin/tar", "--extract", "--file", Archive, "--directory", debian, "--numeric-owner", "--preserve-permissions", "--exclude=./dev/*");
        end.Code.ShouldBe(0, end.Words);
        async Task Add(Place place, ImageDriver driver, string root, string? preamble = null) => await maker.Add(
            new ImageOrder { Name = NameOf(place), Driver = driver, RootFs = root, Plain = true, Preamble = preamble }, DateTimeOffset.UnixEpoch, CancellationToken.None);

        await Add(Place.DebianBubblewrap, ImageDriver.Bubblewrap, debian);
        await Add(Place.DebianPodman, ImageDriver.Podman, debian);
        await Add(Place.BusyboxPodman, ImageDriver.Podman, await Busybox.MakeRoot(Path.Combine(folder.Path, "busybox")), BusyboxPreamble);
        return new TestImages(Path.Combine(folder.Path, "images"), debian);
    }
}

/// <summary>A test in the places of the suite: skipped where their tools are missing, but never in CI.</summary>
internal sealed class PlacesTheoryAttribute : TheoryAttribute
{
    public PlacesTheoryAttribute() => Skip = TestImages.Missing;
}

/// <summary>The same for a test without parameters.</summary>
internal sealed class PlacesFactAttribute : FactAttribute
{
    public PlacesFactAttribute() => Skip = TestImages.Missing;
}
