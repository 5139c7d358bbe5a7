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
              triggers: email, condition failure
            The build would fail in setup:
              packages: this version of Builds installs none; install git, make on the machine itself, which image host shows, and take the key out of the manifest
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

    [ConformanceTheory]
    [InlineData("manifests/index.tsv", "file", "manifests", 36)]
    [InlineData("validator/expected.tsv", "case", "validator/cases", 25)]
    public void Every_accepted_manifest_has_a_plan_for_image_host(string index, string column, string folder, int count)
    {
        var accepted = Conformance.Rows(index).Where(row => row["go_validator"] == "accept").Select(row => row[column])
            // Refused for its length, the one difference from the original validator that is meant.
            .Where(file => file != "tasklong.yml").ToList();

        accepted.Count.ShouldBe(count);
        foreach (var file in accepted)
        {
            var text = File.ReadAllBytes(Path.Combine(Conformance.Folder, folder, file));
            var manifest = ManifestParser.Parse(text).ShouldBeOfType<ManifestResult.Accepted>(file).Manifest;

            var plan = BuildPlanText.Of(manifest with { Image = "host" });

            plan.ShouldStartWith("Image: host\n", Case.Sensitive, file);
            foreach (var task in manifest.Tasks)
                plan.ShouldContain($". {task.Name} (", Case.Sensitive, file);
            // Real manifests ask for nothing that a shell or git could not take.
            if (folder == "manifests")
                SetupRules.Failures(manifest).ShouldAllBe(f => f.StartsWith("packages: "), file);
        }
    }
}
