using System.Text.Json;
using Builds.Execution.Sandbox;
using Builds.Images;
using Builds.Manifests;
using Builds.Support;

namespace Builds.Execution.Places;

/// <summary>What the processes of <see cref="OrdinaryUserTests"/> do.</summary>
internal static class OrdinaryUserProgram
{
    private const string Image = "debian/stable";

    /// <summary>What is hard to remove for whoever it does not belong to, and processes that are hard to end.</summary>
    private const string Leaving = """
        sudo mkdir -p /opt/a/b && sudo touch /opt/a/b/c && sudo chmod 0 /opt/a/b /opt/a && mkdir -p a/b && chmod 0 a/b a
        sudo rm -r /usr/share/doc && sudo mkdir /usr/share/doc
        sudo setsid sh -c 'trap "" TERM; while :; do sleep 1000; done' &
        echo ready; exec sleep 1000
        """;

    /// <summary>Makes an image of a root file system, prints as one line of JSON what each case printed, says "up" when a further build runs, and waits.</summary>
    public static async Task<int> UseImage(string data, string root)
    {
        await using var harness = new ExecutorHarness(data: data);
        var machine = await harness.Service<BuildExecutor>().Start(CancellationToken.None);
        var maker = new ImageMaker(harness.Service<ImageStore>(), machine, harness.Service<GuardProgram>(), _ => { });
        await maker.Add(new ImageOrder { Name = Image, Driver = ImageDriver.Bubblewrap, RootFs = root, Plain = true }, DateTimeOffset.UnixEpoch, CancellationToken.None);
        Console.WriteLine(JsonSerializer.Serialize(await ConformanceTests.Run(harness, Image, OrdinaryUserTests.Tried)));
        var recorder = new FakeRecorder();
        var running = harness.Run(new BuildManifest { Image = Image, Tasks = [new BuildTask("leave", Leaving)] }, recorder);
        await Task.WhenAny(running, recorder.Until(r => r.Log(0).Contains("\nready\n", StringComparison.Ordinal)));
        Console.WriteLine("up");
        Console.Write(recorder.Transcript(await running));
        return 0;
    }

    /// <summary>Prints what is there of slots after the sweep of a start, and of images once the image is removed.</summary>
    public static async Task<int> Sweep(string data)
    {
        await using var harness = new ExecutorHarness(data: data);
        var machine = await harness.Service<BuildExecutor>().Start(CancellationToken.None);
        await new ImageMaker(harness.Service<ImageStore>(), machine, harness.Service<GuardProgram>(), _ => { }).Remove(Image);
        foreach (var name in new[] { "slots", "images" })
            foreach (var path in Directory.EnumerateFileSystemEntries(Path.Combine(data, name), "*", SearchOption.AllDirectories))
                Console.WriteLine(Path.GetRelativePath(data, path));
        return 0;
    }
}
