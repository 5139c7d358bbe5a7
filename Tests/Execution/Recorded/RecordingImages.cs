using Builds.Execution.Packages;
using Builds.Execution.Sandbox;
using Builds.Images;
using Builds.Support;
using Builds.Tests;

namespace Builds.Execution.Recorded;

/// <summary>
/// Stand-ins for all images that manifests ask for, by the same names: busybox in which package managers, git, hg, curl and gpg only say
/// what they are asked (Recording/record), and tasks what they are and would find (Recording/record-task).
/// </summary>
internal static class RecordingImages
{
    private static readonly string[] Common = ["git", "hg", "curl", "gpg"];

    /// <summary>Makes them in the directory that the harness has for images.</summary>
    /// <param name="names">As manifests name them.</param>
    /// <param name="artifacts">Paths in the home that there is a file at when the tasks are done.</param>
    public static async Task Make(ExecutorHarness harness, string folder, IEnumerable<string> names, IEnumerable<string> artifacts)
    {
        var machine = await harness.Service<BuildExecutor>().Start(CancellationToken.None);
        var maker = new ImageMaker(harness.Service<ImageStore>(), machine, harness.Service<GuardProgram>(), _ => { });
        foreach (var family in names.Select(name => KnownImages.Alias(name) ?? name).Distinct().GroupBy(ManagerOf))
        {
            var root = await Busybox.MakeRoot(Path.Combine(folder, $"{family.Key}"));
            var end = await Tool.Run(Repository.PathOf("Tests", "Execution", "Recorded", "Recording", "make"), [root, .. Common, .. Programs(family.Key)]);
            end.Code.ShouldBe(0, end.Words);
            await File.WriteAllLinesAsync(Path.Combine(root, "etc", "artifacts"), artifacts);
            foreach (var name in family)
                await maker.Add(Order(name, root), Some.Time, CancellationToken.None);
        }
    }

    private static ImageOrder Order(string name, string root) => new()
    {
        Name = name,
        Driver = ImageDriver.Bubblewrap,
        RootFs = root,
        Plain = true,
        Network = ImageNetwork.None,
        Preamble = $"#!/bin/bash\nrecord-task {name} \"$0\"\nexit 0\n",
    };

    /// <summary>Systems that no driver here runs have what Debian has.</summary>
    private static PackageManager ManagerOf(string image) => PackageManagers.OfImage(image) ?? PackageManager.Apt;

    private static string[] Programs(PackageManager manager) => manager switch
    {
        PackageManager.Apk => ["apk"],
        PackageManager.Apt => ["apt-get"],
        PackageManager.Dnf => ["dnf"],
        PackageManager.Pacman => ["pacman", "pacman-key", "yay"],
        PackageManager.Zypper => ["zypper"],
        PackageManager.Nix => ["nix-env", "nix-channel"],
        PackageManager.Guix => ["guix"],
        _ => throw new ArgumentOutOfRangeException(nameof(manager), manager, "No programs are known."),
    };
}
