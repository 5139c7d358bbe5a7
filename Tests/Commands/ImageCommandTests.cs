using Builds.Commands;
using Builds.Execution.Places;
using Builds.Images;
using Builds.Support;

namespace Builds.Tests;

/// <summary><c>builds image</c>, in this process, on a data directory that no silo uses.</summary>
public sealed class ImageCommandTests : IDisposable
{
    private readonly TempFolder data = new();

    public void Dispose() => data.Dispose();

    [PlacesFact]
    public async Task An_image_is_added_listed_tested_and_removed()
    {
        var root = await Busybox.MakeRoot(Path.Combine(data.Path, "root"));
        var preamble = Path.Combine(data.Path, "preamble");
        await File.WriteAllTextAsync(preamble, "#!/bin/sh\nset -e\n");

        (await Run("add", "tiny/busybox", "--rootfs", root, "--plain", "--preamble", preamble, "--network", "none")).ShouldBe(
            (0, "Image tiny/busybox is there. What works in it: builds image test tiny/busybox\n", ""));
        (await Run("list")).Output.Split('\n').ShouldContain($"tiny/busybox          bubblewrap  none  {root}");
        (await Run("list")).Output.Split('\n').ShouldContain("alpine/latest         podman      nat   docker.io/library/alpine:latest  (known, not brought yet)");
        var (status, tried, _) = await Run("test", "tiny/busybox");
        status.ShouldBe(1);
        var lines = tried.Split('\n');
        lines[0].ShouldBe("ok  sandbox: bubblewrap starts");
        tried.ShouldContain("ok  namespace pid: its own\n");
        tried.ShouldContain("ok  user: builds are user build\n");
        tried.ShouldContain("ok  sudo: becomes root of the sandbox\n");
        tried.ShouldContain("NO  program: bash: no (");
        tried.ShouldContain("NO  packages: no package manager that is known\n");
        tried.ShouldContain("--  network: none\n");
        (await Run("add", "tiny/busybox", "--rootfs", root, "--plain")).ShouldSatisfyAllConditions(
            end => end.Status.ShouldBe(3),
            end => end.Errors.ShouldStartWith("builds: There is an image 'tiny/busybox' already: 'builds image remove tiny/busybox' first"));
        (await Run("remove", "tiny/busybox")).ShouldBe((0, "", ""));
        (await Run("list")).Output.ShouldNotContain("tiny/busybox");
        Directory.Exists(root).ShouldBeTrue("what it was made of stays");
        Directory.EnumerateFileSystemEntries(Path.Combine(data.Path, "data", "images")).ShouldBeEmpty();
        Directory.EnumerateFileSystemEntries(Path.Combine(data.Path, "data", "slots")).ShouldBeEmpty();
    }

    [PlacesFact]
    public async Task What_is_wrong_is_told_in_one_message()
    {
        (await Run("add", "tiny", "--rootfs", "/nowhere")).ShouldBe((3, "", "builds: There is no /nowhere.\n"));
        (await Run("add", "tiny", "--rootfs", "/etc")).ShouldBe((3, "", "builds: /etc is no root file system: it has neither bin nor usr.\n"));
        (await Run("add", "tiny")).ShouldBe((2, "", "builds: an image is made of either --rootfs DIR|TAR or --oci REF\n"));
        (await Run("add", "../tiny", "--rootfs", "/")).Errors.ShouldContain("'../tiny' is no name for an image");
        (await Run("add", "host", "--rootfs", "/")).Errors.ShouldContain("'host' is this machine itself and needs no image");
        foreach (var command in new[] { "test", "remove" })
            (await Run(command, "tiny")).ShouldSatisfyAllConditions(
                end => end.Status.ShouldBe(3),
                end => end.Errors.ShouldStartWith("builds: there is no image 'tiny' on this machine; there are: alpine/edge, alpine/latest, "));
        (await Run("test", "debian")).ShouldBe((3, "", "builds: image 'debian/stable' is not made yet: its first build makes it, or 'builds image add debian/stable' now\n"));
        (await Run("remove", "debian/stable")).ShouldBe((3, "", "builds: image 'debian/stable' is not made yet: it is a usual name, on offer until Builds:Images:Known is false\n"));
    }

    [Theory]
    [InlineData("debian/stable", true)]
    [InlineData("a", true)]
    [InlineData("9front", true)]
    [InlineData("Debian", false)]
    [InlineData("a//b", false)]
    [InlineData("a/../b", false)]
    [InlineData("/a", false)]
    [InlineData("a/", false)]
    [InlineData("", false)]
    [InlineData("a b", false)]
    public void Names_are_paths_of_plain_words(string name, bool isGood) => (Image.Mistake(name) is null).ShouldBe(isGood);

    private async Task<(int Status, string Output, string Errors)> Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var status = await BuildsCommand.Run(["image", .. arguments, "--data", Path.Combine(data.Path, "data")], output, errors);
        return (status, output.ToString(), errors.ToString());
    }
}
