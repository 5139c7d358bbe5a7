namespace Builds.Execution.Real;

/// <summary>A manifest that is run as it is, with stand-ins for what it names of the world outside.</summary>
/// <param name="Name">Its file in ../shared/conformance/manifests.</param>
/// <param name="Sources">Directories of Sources, one for each source of the manifest, and then one that the service adds for whose repository the manifest is in.</param>
/// <param name="Installed">What apt must have installed, by its packages or by its tasks.</param>
/// <param name="Words">What the tasks must have printed, in their order.</param>
public sealed record RealManifest(string Name, string[] Sources, string[] Installed, string[] Words)
{
    public static IReadOnlyList<RealManifest> All { get; } =
    [
        new("emersion__mrsh__build.yml__0be7544.yml", ["mrsh"], ["rsync"], ["BRANCH", "index.html"]),
        new("crcx__retroforth__builds_debian-arm.yml__b712f59.yml", ["retroforth"], ["curl"],
            ["cp retro bin/retro-repl", "install -m 755 retro /usr/local/bin/retro", "the first automaton", "the sea level of 1970", "nothing is missing"]),
        new("bup__bup__builds_debian-bookworm.yml__a76fb5bc.yml", ["bup"], ["bc"], ["debian 12", "all is well"]),
        new("1o-fyi__lofi__build.yml__3367346.yml", ["install-go", "lofi"], ["bc"], ["go build ./..."]),
        new("CarbsLinux__repository__build.yml__ee3f2f34.yml", ["repository"], ["shellcheck"], ["nothing to complain of"]),
    ];

    public override string ToString() => Name;
}
