using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Builds.Manifests;
using Builds.Support;

namespace Builds.Execution.Places;

/// <summary>Every case in every place that it holds in. One build for each place runs them all, since a sandbox costs more than a case.</summary>
public sealed class ConformanceTests
{
    private const string Begin = "<<<\n", End = ">>>";
    private static readonly Lock Gate = new();
    private static readonly Dictionary<Place, Task<IReadOnlyDictionary<string, string>>> Printed = [];

    public static TheoryData<Place, Case> In(Place place)
    {
        var data = new TheoryData<Place, Case>();
        foreach (var one in Cases.All.Where(one => one.HoldsIn(place))) data.Add(place, one);
        return data;
    }

    [PlacesTheory, MemberData(nameof(In), Place.Host, DisableDiscoveryEnumeration = true)]
    public Task On_the_machine_itself_under_bubblewrap(Place place, Case one) => Holds(place, one);

    [PlacesTheory, MemberData(nameof(In), Place.DebianBubblewrap, DisableDiscoveryEnumeration = true)]
    public Task In_Debian_under_bubblewrap(Place place, Case one) => Holds(place, one);

    [PlacesTheory, MemberData(nameof(In), Place.DebianPodman, DisableDiscoveryEnumeration = true)]
    public Task In_Debian_under_podman(Place place, Case one) => Holds(place, one);

    [PlacesTheory, MemberData(nameof(In), Place.BusyboxPodman, DisableDiscoveryEnumeration = true)]
    public Task In_busybox_under_podman(Place place, Case one) => Holds(place, one);

    private static async Task Holds(Place place, Case one) =>
        (await PrintedIn(place))[one.Name].ShouldBe(one.Expected);

    private static Task<IReadOnlyDictionary<string, string>> PrintedIn(Place place)
    {
        lock (Gate) return Printed.TryGetValue(place, out var known) ? known : Printed[place] = RunAll(place);
    }

    private static async Task<IReadOnlyDictionary<string, string>> RunAll(Place place)
    {
        var images = await TestImages.Shared();
        await using var harness = new ExecutorHarness(options => options.Images = images.Directory);
        return await Run(harness, TestImages.NameOf(place), [.. Cases.All.Where(one => one.HoldsIn(place))]);
    }

    /// <summary>What each case printed in an image, by its name.</summary>
    internal static async Task<IReadOnlyDictionary<string, string>> Run(ExecutorHarness harness, string image, IReadOnlyList<Case> cases)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var name = $"builds-test-{Guid.NewGuid():N}";
        socket.Bind(new UnixDomainSocketEndPoint($"\0{name}"));
        socket.Listen();
        using var listener = new TcpListener(IPAddress.Any, 0);
        listener.Start();
        var manifest = new BuildManifest
        {
            Image = image,
            Environment =
            [
                new("text", new EnvironmentValue.Text("it's $HOME \"and\"\nmore")), new("number", new EnvironmentValue.Whole("42")),
                new("flag", new EnvironmentValue.Flag(true)), new("empty", new EnvironmentValue.Null()),
                new("data", new EnvironmentValue.Text(harness.Data)), new("socket", new EnvironmentValue.Text(name)),
                new("machine", new EnvironmentValue.Text(string.Join(' ', Addresses().Select(address => $"{address}:{((IPEndPoint)listener.LocalEndpoint).Port}")))),
            ],
            // In a subshell, so that a case may end it; what it prints stands between two marks.
            Tasks = [.. cases.Select((one, index) => new BuildTask($"case-{index}", $"{{ set +ex; }} 2>/dev/null\necho '<<<'\n(\n{one.Script}\n)\necho '{End}'\n"))],
        };
        var recorder = new FakeRecorder();
        var outcome = await harness.Run(manifest, recorder);
        outcome.ShouldBeOfType<BuildOutcome.Succeeded>(recorder.Transcript(outcome));
        return cases.Select((one, index) => (one.Name, Between(recorder.Log(index)))).ToDictionary(StringComparer.Ordinal);
    }

    private static string Between(string log)
    {
        var begin = log.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        return log[begin..log.LastIndexOf(End, StringComparison.Ordinal)];
    }

    /// <summary>All that this machine answers to, but for loopback, which is another machine's inside.</summary>
    private static IEnumerable<IPAddress> Addresses() => NetworkInterface.GetAllNetworkInterfaces()
        .SelectMany(one => one.GetIPProperties().UnicastAddresses).Select(one => one.Address)
        .Where(address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address));
}
