using Builds.Execution.Places;
using Builds.Execution.Sandbox;
using Builds.Images;
using Builds.Jobs;
using Builds.Support;
using Builds.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Builds.Execution;

/// <summary>Images that are made when a build wants them, of a registry of this machine.</summary>
public sealed class ImageBringerTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly TempFolder folder = new();
    private readonly List<string> said = [];
    private ImageRegistry registry = null!;

    private string Archive => Path.Combine(folder.Path, "tiny.tar");

    public async Task InitializeAsync()
    {
        registry = await ImageRegistry.Start();
        // Nobody else in this process has podman bring something.
        foreach (var (name, value) in registry.Environment) Environment.SetEnvironmentVariable(name, value);
        if (TestImages.Missing is not null) return;
        var root = await Busybox.MakeRoot(Path.Combine(folder.Path, "root"));
        (await Tool.Run("/bin/tar", "--create", "--file", Archive, "--directory", root, ".")).Code.ShouldBe(0);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "preamble"), TestImages.BusyboxPreamble);
    }

    public async Task DisposeAsync()
    {
        foreach (var (name, _) in registry.Environment) Environment.SetEnvironmentVariable(name, null);
        await registry.DisposeAsync();
    }

    public void Dispose() => folder.Dispose();

    [PlacesFact]
    public async Task Builds_that_want_an_image_of_the_settings_have_it_made_once_and_each_is_told()
    {
        var foreign = await registry.Add("acme/tiny", "foreign", Archive, "riscv64");
        var own = await registry.Add("acme/tiny", "own", Archive);
        var index = registry.AddIndex("acme/tiny", "1", ("riscv64", foreign), (ImageRegistry.OwnArchitecture, own));
        await using var harness = new ExecutorHarness(images: options =>
        {
            options.Own["ACME"] = Setting("acme/tiny", "1");
            options.Own["other"] = Setting("other", "1", ImageDriver.Bubblewrap);
            options.Own["foreign"] = Setting("foreign", "foreign");
        });
        await harness.Service<BuildExecutor>().Start(CancellationToken.None);
        harness.Executor.Images.ShouldBe(["host", "acme/tiny", "foreign", "other"]);
        var asked = new TaskCompletionSource();
        registry.Before = _ => asked.Task;

        var recorders = Enumerable.Range(0, 3).Select(_ => new FakeRecorder()).ToList();
        using var stop = new CancellationTokenSource();
        Task<BuildOutcome> Run(string image, int slot, CancellationToken token = default) =>
            harness.Run(ExecutorHarness.Manifest("echo hello from $(cat /proc/1/comm)") with { Image = image }, recorders[slot], slot, token);
        var builds = new[] { Run("acme/tiny", 0), Run("acme/tiny", 1), Run("acme/tiny", 2, stop.Token) };
        foreach (var recorder in recorders) await recorder.Until(r => r.Setup.Contains("Bringing"));
        await stop.CancelAsync();
        (await builds[2].WaitAsync(Bound)).ShouldBe(new BuildOutcome.Stopped());
        asked.SetResult();
        foreach (var slot in new[] { 0, 1 })
        {
            (await builds[slot].WaitAsync(Bound)).ShouldBe(new BuildOutcome.Succeeded(), recorders[slot].Setup);
            recorders[slot].Setup.ShouldStartWith($"# Bringing {registry.Name}/acme/tiny:1\n# Unpacking {index}\n");
        }

        // Of the same digest under another driver, where nothing is brought again; and what is for other machines.
        recorders[0] = recorders[1] = new FakeRecorder();
        (await Run("other", 0).WaitAsync(Bound)).ShouldBe(new BuildOutcome.Succeeded(), recorders[0].Setup);
        recorders[0].Setup.ShouldContain($"# Image acme/tiny is the same, {index}\n");
        registry.Asked[$"acme/tiny/blobs/{registry.LayerOf(Archive)}"].ShouldBe(1);
        (await Run("foreign", 1).WaitAsync(Bound)).ShouldBe(new BuildOutcome.Failed(FailReason.Setup,
            $"image foreign cannot be had: {registry.Name}/acme/tiny:foreign is an image for riscv64, and this machine is {ImageRegistry.OwnArchitecture}: name one that is for {ImageRegistry.OwnArchitecture} too."));
        Directory.EnumerateFileSystemEntries(Path.Combine(harness.Data, "images")).Select(Path.GetFileName).ShouldBe(["acme,tiny", "other"], ignoreOrder: true);
    }

    [PlacesFact]
    public async Task A_registry_that_fails_is_left_in_peace_for_a_while_and_one_that_hangs_holds_nobody_up()
    {
        await using var harness = new ExecutorHarness();
        var machine = await harness.Service<BuildExecutor>().Start(CancellationToken.None);
        var clock = new TestClock(DateTimeOffset.UnixEpoch);
        var bringer = new ImageBringer(harness.Service<ImageStore>(), harness.Service<GuardProgram>(), clock, NullLogger<ImageBringer>.Instance);
        var alpine = new OfferedImage("alpine/latest", ImageOrigin.Known, null, KnownImages.OrderOf("alpine/latest")! with { Plain = true });
        Task<(Image? Image, string? Why)> Bring() => bringer.Bring(alpine, machine, Say, CancellationToken.None).WaitAsync(Bound);
        const string Manifest = "library/alpine/manifests/latest";

        (await Bring()).Why.ShouldNotBeNull().ShouldStartWith("docker.io/library/alpine:latest cannot be brought: ");
        var asked = registry.Asked[Manifest];
        clock.Advance(TimeSpan.FromSeconds(29));
        (await Bring()).Why.ShouldNotBeNull().ShouldEndWith("\nThat was 29 s ago; a build that comes 30 s after it tries again");
        registry.Asked[Manifest].ShouldBe(asked);

        await registry.Add("library/alpine", "latest", Archive);
        clock.Advance(TimeSpan.FromSeconds(1));
        (await Bring()).Image.ShouldNotBeNull().Source.ShouldBe("docker.io/library/alpine:latest");
        said.ShouldBe(["Bringing docker.io/library/alpine:latest", "Bringing docker.io/library/alpine:latest", "Bringing docker.io/library/alpine:latest", said[^1]]);

        var hanging = new TaskCompletionSource();
        registry.Before = path =>
        {
            if (path.Contains("edge")) hanging.TrySetResult();
            return path.Contains("edge") ? Task.Delay(Timeout.Infinite) : Task.CompletedTask;
        };
        var edge = new OfferedImage("alpine/edge", ImageOrigin.Known, null, KnownImages.OrderOf("alpine/edge"));
        var waiting = bringer.Bring(edge, machine, Say, CancellationToken.None);
        await hanging.Task.WaitAsync(Bound);
        await bringer.DisposeAsync().AsTask().WaitAsync(Bound);
        (await waiting).Why.ShouldBe("this silo ends");
        Directory.EnumerateFileSystemEntries(Path.Combine(harness.Data, "images")).Select(Path.GetFileName).ShouldBe(["alpine,latest"]);
    }

    [PlacesFact]
    public async Task The_settings_win_over_what_was_added_and_that_over_known_names()
    {
        var store = new ImageStore(Path.Combine(folder.Path, "images"), NullLogger<ImageStore>.Instance);
        var options = new ImageOptions();
        OfferedImages Offered() => new(store, Microsoft.Extensions.Options.Options.Create(options));
        (ImageOrigin, bool)? Of(string name) => Offered().Find(name) is { } found ? (found.Origin, found.Made is not null) : null;
        void Add(string name, ImageOrder? order) => store.Add(new Image { Name = name, Driver = ImageDriver.Podman, Layers = ["/"], Source = "/", Order = order, Added = DateTimeOffset.UnixEpoch }, store.Draft(name));

        Of("debian").ShouldBe((ImageOrigin.Known, false));
        Add("debian/stable", KnownImages.OrderOf("debian/stable"));
        Of("debian").ShouldBe((ImageOrigin.Known, true));
        Add("alpine/latest", null);
        Of("alpine").ShouldBe((ImageOrigin.Added, true));
        options.Own["alpine/latest"] = new ImageSetting { Install = "apk add" };
        Of("alpine").ShouldBe((ImageOrigin.Settings, false));
        Add("own", new ImageOrder { Name = "own", Driver = ImageDriver.Podman, Oci = "docker.io/library/alpine:latest", Install = "apk add" });
        Of("own").ShouldBe((ImageOrigin.Dropped, true));
        options.Own["own"] = new ImageSetting { Oci = "docker.io/library/alpine:latest", Install = "apk add" };
        Of("own").ShouldBe((ImageOrigin.Settings, true));
        options.Own["own"].Network = ImageNetwork.None;
        Of("own").ShouldBe((ImageOrigin.Settings, false), "other settings mean another image");
        options.Known = false;
        Of("debian").ShouldBe((ImageOrigin.Dropped, true));
        Of("ubuntu").ShouldBeNull();

        // What a killed maker left, and what a living one makes.
        await using var harness = new ExecutorHarness(execution => execution.Images = Path.Combine(folder.Path, "images"));
        Directory.CreateDirectory(Path.Combine(folder.Path, "images", ".x,y.999999999", "stock"));
        Directory.CreateDirectory(Path.Combine(folder.Path, "images", $".x.{Environment.ProcessId}", "stock"));
        Directory.CreateDirectory(Path.Combine(folder.Path, "images", ".z.1", "stock"));
        await harness.Service<BuildExecutor>().Start(CancellationToken.None);
        Directory.EnumerateDirectories(Path.Combine(folder.Path, "images"), ".*").Select(Path.GetFileName).ShouldBe([".z.1"]);
    }

    private ImageSetting Setting(string name, string tag, ImageDriver? driver = null) => new()
    {
        Name = name,
        Oci = $"{registry.Name}/acme/tiny:{tag}",
        Driver = driver,
        Preamble = Path.Combine(folder.Path, "preamble"),
        Network = ImageNetwork.None,
        Plain = true,
    };

    private ValueTask Say(string line)
    {
        lock (said) said.Add(line);
        return ValueTask.CompletedTask;
    }
}
