using System.Text.RegularExpressions;
using Builds.Execution.Places;
using Builds.Execution.Sandbox;
using Builds.Support;

namespace Builds.Tests;

/// <summary>
/// The chapter of the operators' page about images, run from top to bottom on a fresh silo. Registries are one of this machine, whose images are
/// the Debian of the tests and busybox; the programs have to be installed already, and mmdebstrap's work is done.
/// </summary>
public sealed partial class ImagePageTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(3);

    /// <summary>What the commands have no use for, which is most of the files.</summary>
    private static readonly string[] Unused = ["share/doc", "share/locale", "share/man", "share/perl", "lib/*/perl", "lib/*/gconv", "lib/python3*"];

    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [PlacesFact]
    public async Task Every_command_about_images_works_on_a_fresh_silo()
    {
        var page = await File.ReadAllTextAsync(Repository.PathOf("Silo/README.md"));
        var commands = string.Concat(PageCommands.Of(page.Split("\n## Images\n")[1].Split("\n## ")[0]));
        var archive = Path.Combine(folder.Path, "small.tar");
        (await Tool.Run("/bin/tar", ["--create", "--file", archive, .. Unused.Select(path => $"--exclude=./usr/{path}"), "--directory", (await TestImages.Shared()).Debian, "."])).Code.ShouldBe(0);
        var tiny = Path.Combine(folder.Path, "tiny.tar");
        (await Tool.Run("/bin/tar", "--create", "--file", tiny, "--directory", await Busybox.MakeRoot(Path.Combine(folder.Path, "tiny")), ".")).Code.ShouldBe(0);
        await using var registry = await ImageRegistry.Start();
        await registry.Add("library/alpine", "latest", archive);
        await registry.Add("ci/debian", "12", archive);
        await registry.Add("library/ubuntu", "latest", tiny);

        // The settings of the page are the silo's too.
        (string, string)[] settings = [.. Setting().Matches(commands).Select(setting => (setting.Groups["name"].Value, setting.Groups["value"].Value)), .. registry.Environment];
        var (silo, _) = await BuildsProgram.Serve(Path.Combine(folder.Path, "data"), [], settings);
        await using (silo)
        {
            var script = $$"""
                set -eu -o pipefail
                apt-get() { dpkg --status "${@:3}" >status; }
                mmdebstrap() { ln -s '{{archive}}' "${@: -1}"; }
                builds() { '{{Path.Combine(AppContext.BaseDirectory, "builds")}}' "$@"; }
                {{commands}}
                """;
            var (status, output) = await PageCommands.Run(script, folder.Path, Bound, registry.Environment);

            status.ShouldBe(0, output);
            output.ShouldContain("Bringing docker.io/library/alpine:latest\n");
            output.ShouldContain("+ jq --version\njq-1.");
            output.ShouldContain("\nok  sandbox: bubblewrap starts\n");
            output.ShouldContain("\nImage ubuntu/lts is there.");
            output.ShouldContain("Image acme is the same, sha256:");
            output.Split("+ sudo id -u\n0\n").Length.ShouldBe(4, output);
            string[] listed = ["acme ", "alpine/latest ", "debian/stable ", "ubuntu/22.04 "];
            output.Split('\n').Where(line => listed.Any(name => line.StartsWith(name, StringComparison.Ordinal))).ShouldBe(
            [
                $"acme                  podman      nat   registry.acme.example/ci/debian:12 {Digest(output)}",
                $"alpine/latest         podman      nat   docker.io/library/alpine:latest {Digest(output)}  (known)",
                $"debian/stable         bubblewrap  nat   {folder.Path}/debian.tar",
                "ubuntu/22.04          podman      nat   docker.io/library/ubuntu:22.04  (known, not brought yet)",
            ]);
        }
    }

    private static string Digest(string output) => output[output.IndexOf("sha256:", StringComparison.Ordinal)..][..("sha256:".Length + 64)];

    [GeneratedRegex(@"(?<name>Builds__Images__\w+)=(?<value>\S+)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Setting();
}
