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
            triggers: [{action: email, condition: failure, to: a@b}, {action: webhook, condition: always, url: "https://x:y@z.example/secret"}, {action: email, condition: at times, to: a@b}]
            tasks:
            - build: |
                make
                make install
            - test: make check
            """).ShouldBeOfType<ManifestResult.Accepted>().Manifest;

        var plan = BuildPlanText.Of(manifest);

        plan.ShouldBe("""
            Image: host
            The build would fail in setup:
              packages: image host is the machine itself, where builds install nothing; install git, make on it and take the key out of the manifest, or choose another image
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
            Triggers:
              1. after a failure, a timeout or a cancel: email to a@b
              2. at its end: webhook to z.example
              3. never, as there is no condition 'at times': email to a@b

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
