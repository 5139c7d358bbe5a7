using System.Globalization;
using Builds.Jobs;
using Builds.Manifests;
using Builds.Support;

namespace Builds.Execution.Places;

/// <summary>Builds that want more than they may have: each fails with the reason, beside a neighbour who does not notice, and leaves nothing.</summary>
public sealed class LimitTests
{
    private const string Neighbour = "set +x; echo ready; while :; do sleep 0.05; done";

    public static TheoryData<Place, string, string, string> Hogs()
    {
        var data = new TheoryData<Place, string, string, string>();
        foreach (var place in Enum.GetValues<Place>())
        {
            data.Add(place, "memory", "set +x; x=0123456789abcdef; while :; do x=$x$x; done", "it used more than 64 MiB of memory");
            data.Add(place, "memory in files", "head -c 200m /dev/zero >/dev/shm/x", "it used more than 64 MiB of memory");
            data.Add(place, "processes", "exec sh -c 'while :; do sleep 1000 & done'", "it wanted more than 60 processes");
            data.Add(place, "disk", "cat /dev/zero >fill", "it filled its disk of 64 MiB");
            data.Add(place, "files", "set +x; mkdir many; cd many; i=0; while :; do : >$i || exit 1; i=$((i+1)); done", "it filled its disk of 64 MiB");
        }
        return data;
    }

    [PlacesTheory, MemberData(nameof(Hogs), DisableDiscoveryEnumeration = true)]
    public async Task Who_takes_too_much_fails_alone(Place place, string what, string script, string why)
    {
        var images = await TestImages.Shared();
        await using var harness = new ExecutorHarness(options =>
        {
            options.Images = images.Directory;
            options.Memory = 64L << 20;
            options.Processes = 60;
            options.Disk = 64L << 20;
        });
        var neighbour = new FakeRecorder();
        using var stop = new CancellationTokenSource();
        var running = harness.Run(Manifest(place, Neighbour), neighbour, slot: 1, kill: stop.Token);
        await neighbour.Until(r => r.Log(0).Contains("ready\n", StringComparison.Ordinal));
        var recorder = new FakeRecorder();

        var outcome = await harness.Run(Manifest(place, script), recorder);

        var failed = outcome.ShouldBeOfType<BuildOutcome.Failed>(recorder.Transcript(outcome));
        failed.Reason.ShouldBe(FailReason.Limit, $"{what}: {recorder.Transcript(outcome)}");
        failed.Detail.ShouldNotBeNull().ShouldContain(why);
        running.IsCompleted.ShouldBeFalse("the neighbour ended");
        Left(harness.Data, slot: 0).ShouldBeEmpty();
        await stop.CancelAsync();
        (await running).ShouldBeOfType<BuildOutcome.Stopped>();
    }

    private static BuildManifest Manifest(Place place, string script) => new() { Image = TestImages.NameOf(place), Tasks = [new BuildTask("hog", script)] };

    /// <summary>Files and control groups of a slot whose build has ended.</summary>
    private static IEnumerable<string> Left(string data, int slot)
    {
        var name = slot.ToString(CultureInfo.InvariantCulture);
        return Directory.EnumerateFileSystemEntries(Path.Combine(data, "slots", name)).Select(path => Path.GetFileName(path)!).Except(["passwd", "group"]);
    }
}
