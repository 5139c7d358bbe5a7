using Builds.Manifests;
using Builds.Tests;

namespace Builds.Execution;

public sealed class BuildPlanTextTests
{
    [Fact]
    public void The_plan_tells_what_would_be_done_and_what_not()
    {
        var manifest = ManifestParser.Parse("""
            image: host
            packages: [git, make]
            secrets: [deploy-key]
            sources: ["here::https://x/y.git#main", svn+ssh://x/z]
            environment: {A: "two\nwords", N: 0x10, L: [a, b c]}
            artifacts: [out/a.tar]
            triggers: [{action: email, condition: failure, to: a@b}]
            tasks:
            - build: |
                make
                make install
            - test: make check
            """).ShouldBeOfType<ManifestResult.Accepted>().Manifest;

        var plan = BuildPlanText.Of(manifest);

        plan.ShouldBe("""
            Image: host
            Not done yet:
              packages: git make
              secrets: deploy-key
              triggers: email, condition failure
            The build would fail in setup:
              source 'svn+ssh://x/z' asks for a tool that is not known; git+ and hg+ are
            Environment:
              export A='two\nwords'
              export N=16
              L=(a 'b c')
            Sources:
              git clone -- https://x/y.git here
              git -C here checkout -q main --
              git -C here submodule update --init --recursive
            Tasks:
              1. build (2 lines)
              2. test (1 line)
            Artifacts:
              out/a.tar

            """);
    }

    [ConformanceFact]
    public void Every_real_manifest_has_a_plan()
    {
        foreach (var row in Conformance.Rows("manifests/index.tsv").Where(row => row["go_validator"] == "accept"))
        {
            var text = File.ReadAllBytes(Path.Combine(Conformance.Folder, "manifests", row["file"]));

            var plan = BuildPlanText.Of(ManifestParser.Parse(text).ShouldBeOfType<ManifestResult.Accepted>().Manifest);

            plan.ShouldStartWith($"Image: {row["image"]}\n");
            plan.ShouldNotContain("fail in setup", Case.Sensitive, row["file"]);
        }
    }
}
