using System.Net;
using System.Net.Sockets;
using Builds.Cluster;
using Builds.Execution.Networks;
using Builds.Execution.Sandbox;
using Builds.Images;
using Builds.Manifests;
using Builds.Support;

namespace Builds.Execution.Places;

/// <summary>What builds reach, unless the settings say otherwise.</summary>
public sealed class NetworkTests
{
    [PlacesTheory, InlineData(Place.Host), InlineData(Place.DebianBubblewrap), InlineData(Place.DebianPodman)]
    public async Task A_build_reaches_what_is_outside_and_neither_the_machine_nor_its_neighbours(Place place)
    {
        var images = await TestImages.Shared();
        await using var outside = await OutsideNetwork.Open();
        await using var harness = new ExecutorHarness(options => options.Images = images.Directory);
        using var silo = new TcpListener(IPAddress.Any, 0);
        silo.Start();
        var port = ((IPEndPoint)silo.LocalEndpoint).Port;
        using var stop = new CancellationTokenSource();
        var neighbour = new FakeRecorder();
        var running = harness.Run(Manifest(place, $"""
            set +x
            perl -MIO::Socket::INET -e '{OutsideNetwork.Serve("neighbour")}' >port &
            until [ -s port ]; do sleep 0.01; done
            own=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(PeerAddr => "{outside.Address}", Proto => "udp")->sockhost')
            echo "itself:" $({OutsideNetwork.Reach("'$own:$(cat port)'")})
            echo "address: $own:$(cat port)"
            wait
            """), neighbour, slot: 1, kill: stop.Token);
        await neighbour.Until(r => r.Log(0).Contains("address: ", StringComparison.Ordinal) && r.Log(0).EndsWith('\n'));
        neighbour.Log(0).ShouldContain("itself: neighbour\n");
        var other = neighbour.Log(0)[(neighbour.Log(0).IndexOf("address: ", StringComparison.Ordinal) + "address: ".Length)..].Trim();
        (await outside.Ask(other)).ShouldBe("refused", "a build is reached from outside");
        var recorder = new FakeRecorder();

        var outcome = await harness.Run(Manifest(place, $"""
            set +x
            {OutsideNetwork.Reach(outside.Address)}
            gateway=$(perl -ne 'print join(".", reverse unpack("C4", pack("H8", $1))) if /^eth0\s+00000000\s+(\S+)/' /proc/net/route)
            for address in 127.0.0.1 $gateway {outside.Machine}; do {OutsideNetwork.Reach($"'$address:{port}'")}; done
            {OutsideNetwork.Reach(other)}
            """), recorder);

        recorder.Log(0).ShouldEndWith($"{OutsideNetwork.Word}\nrefused\nrefused\nrefused\nrefused\n", customMessage: recorder.Transcript(outcome));
        silo.Pending().ShouldBeFalse("a build reached a port of this machine");
        recorder.Setup.ShouldNotContain("The network is");
        await stop.CancelAsync();
        await running;
    }

    [PlacesFact]
    public async Task What_is_the_service_s_own_is_refused_as_it_comes_and_goes()
    {
        await using var outside = await OutsideNetwork.Open();
        await using var harness = new ExecutorHarness();
        var address = outside.Address.Split(':')[0];
        var printed = new List<string>();

        foreach (var refused in new string[][] { [address, "192.0.2.1"], ["192.0.2.1"], [] })
        {
            await harness.Service<BuildExecutor>().Refuse(refused, default);
            var recorder = new FakeRecorder();
            await harness.Run(Manifest(Place.Host, $"set +x\n{OutsideNetwork.Reach(outside.Address)}"), recorder);
            printed.Add(recorder.Log(0).Split('\n')[^2]);
        }

        printed.ShouldBe(["refused", OutsideNetwork.Word, OutsideNetwork.Word]);
        (await ServiceAddresses.OfHosts("/run/postgresql,192.0.2.7:5433, 192.0.2.8", default)).ShouldBe([IPAddress.Parse("192.0.2.7"), IPAddress.Parse("192.0.2.8")]);
    }

    [PlacesFact]
    public async Task Rules_that_were_dropped_with_all_others_are_there_again_after_the_next_sweep()
    {
        await using var outside = await OutsideNetwork.Open();
        await using var harness = new ExecutorHarness();
        var executor = harness.Service<BuildExecutor>();
        using var silo = new TcpListener(IPAddress.Any, 0);
        silo.Start();
        await executor.Refuse([outside.Address.Split(':')[0]], default);
        var table = (await Tool.Output(Path.Combine(harness.Data, "rules"), SlotNetworks.FindNft()!, "list", "tables")).Split('\n')
            .Select(line => line.Split(' ')[^1]).Single(name => name.StartsWith($"builds_{harness.Service<GuardProgram>().Mark[^8..]}_", StringComparison.Ordinal));

        (await Tool.Run(SlotNetworks.FindNft()!, "delete", "table", "inet", table)).Code.ShouldBe(0);
        await executor.Sweep();

        var recorder = new FakeRecorder();
        var outcome = await harness.Run(Manifest(Place.Host, $"set +x\n{OutsideNetwork.Reach(outside.Address)}\n{OutsideNetwork.Reach($"{outside.Machine}:{((IPEndPoint)silo.LocalEndpoint).Port}")}"), recorder);
        recorder.Log(0).ShouldEndWith("\nrefused\nrefused\n", customMessage: recorder.Transcript(outcome));
        silo.Pending().ShouldBeFalse("a build reached a port of this machine");
    }

    [PlacesFact]
    public async Task Image_host_has_no_network_where_the_settings_say_so()
    {
        await using var harness = new ExecutorHarness(options => options.HostNetwork = ImageNetwork.None);
        var recorder = new FakeRecorder();

        var outcome = await harness.Run(Manifest(Place.Host, "set +x\nls /sys/class/net | cat; tail -n +2 /proc/net/route; tail -n +3 /proc/net/dev | cut -d : -f 1"), recorder);

        outcome.ShouldBeOfType<BuildOutcome.Succeeded>(recorder.Transcript(outcome));
        recorder.Log(0).ShouldEndWith("    lo\n");
    }

    private static BuildManifest Manifest(Place place, string script) => new() { Image = TestImages.NameOf(place), Tasks = [new BuildTask("network", script)] };
}
