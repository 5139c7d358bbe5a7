using Builds.Execution;
using Builds.Manifests;

namespace Builds.Tests;

/// <summary><c>builds run</c> on real processes.</summary>
public sealed class RunCommandTests : IDisposable
{
    private const int Interrupt = 2;

    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_build_that_succeeds_shows_its_log_in_order()
    {
        var end = await BuildsProgram.Run(folder.Path, "run", Example("hello"));

        end.Errors.ShouldBeEmpty();
        end.Status.ShouldBe(0);
        var lines = end.Output.Split('\n');
        lines[0].ShouldBe("== setup");
        lines.ShouldContain("Hello from job 1");
        Array.IndexOf(lines, "== task 1/1: hello").ShouldBeInRange(1, Array.IndexOf(lines, "Hello from job 1"));
        lines[^2].ShouldStartWith("== job 1: success, ");
    }

    [Fact]
    public async Task A_build_that_fails_says_why_with_status_1()
    {
        var end = await BuildsProgram.Run(folder.Path, "run", Example("failing"));

        end.Status.ShouldBe(1);
        end.Output.ShouldContain("== job 1: failed (task)");
        end.Output.ShouldContain("== task 2/3: bad");
        end.Output.Split('\n').Where(line => line.Contains("later", StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Artifacts_are_saved_by_their_path()
    {
        var end = await BuildsProgram.Run(folder.Path, "run", Example("artifacts"));

        end.Status.ShouldBe(0, end.Errors);
        (await File.ReadAllTextAsync(Path.Combine(folder.Path, "artifacts", "report.txt"))).ShouldContain("dist/numbers.tar.gz");
        File.Exists(Path.Combine(folder.Path, "artifacts", "dist", "numbers.tar.gz")).ShouldBeTrue();
    }

    [Fact]
    public async Task Image_and_environment_can_be_given_on_the_command_line()
    {
        const string manifest = "image: alpine/edge\nenvironment:\n  who: world\ntasks:\n- greet: |\n    echo \"$greeting, $who!\"\n";

        var end = await BuildsProgram.Run(folder.Path, manifest, ["run", "-", "--image", "host", "--env", "greeting=Good morning", "--env", "who=moon"]);

        end.Status.ShouldBe(0, end.Output + end.Errors);
        end.Output.ShouldContain("\nGood morning, moon!\n");
    }

    [Fact]
    public async Task An_image_that_is_not_on_offer_fails_the_build_and_names_those_that_are()
    {
        var end = await BuildsProgram.Run(folder.Path, "image: plan9\ntasks:\n- a: 'true'\n", ["run", "-"]);

        end.Status.ShouldBe(1);
        end.Output.ShouldContain("image 'plan9' is not on offer here; on offer: host");
    }

    [Fact]
    public async Task Mistakes_in_a_manifest_are_told_by_line_and_column_with_status_2()
    {
        var file = Path.Combine(folder.Path, "bad.yml");
        await File.WriteAllTextAsync(file, "image: host\ntasks:\n- a b: 'true'\n- c d: 'true'\n");

        var end = await BuildsProgram.Run(folder.Path, "run", "bad.yml");

        end.Status.ShouldBe(2);
        end.Output.ShouldBeEmpty();
        end.Errors.ShouldContain("bad.yml:3:");
        end.Errors.ShouldContain("bad.yml:4:");
    }

    [Theory]
    [InlineData("run")]
    [InlineData("run", "there-is-no-such-file.yml")]
    [InlineData("run", "-", "--env", "novalue")]
    [InlineData("frobnicate")]
    [InlineData("serve", "--urls", "nonsense")]
    [InlineData("serve", "--slots", "-1")]
    [InlineData("token", "create", "--user", "Bad Name", "--scopes", "jobs:read")]
    [InlineData("token", "create", "--user", "mia", "--scopes", "everything")]
    public async Task A_command_line_that_makes_no_sense_ends_with_status_2_and_no_stack_trace(params string[] arguments)
    {
        var end = await BuildsProgram.Run(folder.Path, arguments);

        end.Status.ShouldBe(2, end.Errors);
        end.Errors.ShouldNotBeEmpty();
        end.Errors.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task An_interrupt_cancels_the_build_with_status_130()
    {
        await using var program = BuildsProgram.Start(folder.Path, "run", Example("long-running"));
        await program.LineWith("1 of 120");

        program.Signal(Interrupt);

        var end = await program.End();
        end.Status.ShouldBe(130);
        end.Output.ShouldContain("cleaning up");
        end.Output.ShouldContain("== job 1: failed (cancelled)");
    }

    public static TheoryData<string> Accepted() =>
        [.. Conformance.Rows("manifests/index.tsv").Where(row => row["go_validator"] == "accept").Select(row => row["file"])];

    [ConformanceTheory]
    [MemberData(nameof(Accepted))]
    public async Task A_dry_run_prints_the_plan_of_every_real_manifest(string file)
    {
        var path = Path.Combine(Conformance.Folder, "manifests", file);
        using var output = new StringWriter();

        (await Commands.BuildsCommand.Run(["run", path, "--image", "host", "--dry-run"], output, output)).ShouldBe(0);

        var manifest = ManifestParser.Parse(await File.ReadAllBytesAsync(path)).ShouldBeOfType<ManifestResult.Accepted>().Manifest;
        output.ToString().ShouldBe(BuildPlanText.Of(manifest with { Image = "host" }));
        output.ToString().ShouldStartWith("Image: host\n");
    }

    private static string Example(string name) => Repository.PathOf("Silo", "examples", $"{name}.yml");
}
