using Builds.Jobs;
using Builds.Secrets;
using Builds.Support;
using Builds.Tests;

namespace Builds.Execution;

/// <summary>What a build finds of its secrets.</summary>
public sealed class SecretsInBuildTests
{
    private const string Uuid = "0d3d43a7-b9b3-4d42-ae51-1d0f1d0f1d0f";

    public static TheoryData<ExecutionDriver> Drivers => [ExecutionDriver.Bubblewrap, ExecutionDriver.Process];

    [BubblewrapTheory, MemberData(nameof(Drivers))]
    public async Task Keys_and_files_are_where_the_contract_says(ExecutionDriver driver)
    {
        var (recorder, outcome) = await Run(
            driver,
            ["cd; stat -c '%a %N' .ssh .ssh/* .netrc in/a/place; cat .ssh/id_rsa .ssh/id_rsa.2 \".ssh/two words\" .netrc in/a/place"],
            Secret(SecretType.SshKey, "deploy-key", "key one\n"),
            Secret(SecretType.PlaintextFile, "netrc", "a netrc\n", "~/.netrc", 0b110_100_000),
            Secret(SecretType.SshKey, "two words", "key two\n"),
            Secret(SecretType.SshKey, "id_rsa.2", "key three\n"),
            Secret(SecretType.PlaintextFile, "place", "it's a \"file\" $HOME\n", "in/a/place", 0b101_000_000));

        outcome.ShouldBeOfType<BuildOutcome.Succeeded>(recorder.Setup);
        recorder.Setup.ShouldContain("# Secret deploy-key: ssh_key\n# Secret netrc: plaintext_file\n# Secret two words: ssh_key\n# Secret id_rsa.2: ssh_key\n# Secret place: plaintext_file\n");
        Lines(recorder).ShouldBe(
        [
            "700 '.ssh'", $"777 '.ssh/{Uuid}' -> 'two words'", "600 '.ssh/deploy-key'", "777 '.ssh/id_rsa' -> 'deploy-key'", "600 '.ssh/id_rsa.2'", "600 '.ssh/two words'",
            "640 '.netrc'", "500 'in/a/place'",
            "key one", "key three", "key two", "a netrc", "it's a \"file\" $HOME",
        ]);
    }

    [BubblewrapFact]
    public async Task A_later_key_that_is_called_as_the_link_to_the_first_does_not_overwrite_it()
    {
        var (recorder, _) = await Run(
            ExecutionDriver.Bubblewrap, ["cd .ssh; cat deploy-key id_rsa"], Secret(SecretType.SshKey, "deploy-key", "key one\n"), Secret(SecretType.SshKey, "id_rsa", "key two\n"));

        Lines(recorder).ShouldBe(["key one", "key two"]);
    }

    [BubblewrapFact]
    public async Task Sources_are_cloned_with_every_key()
    {
        // A transport that shows what git would start ssh with.
        const string Config = "[protocol \"ext\"]\nallow = always\n";
        var (recorder, outcome) = await Run(
            ExecutionDriver.Bubblewrap, ["true"], manifest => manifest with { Sources = ["here::ext::sh -c env>&2"] },
            Secret(SecretType.SshKey, "deploy-key", "key one\n"), Secret(SecretType.SshKey, "two words", "key two\n"), Secret(SecretType.PlaintextFile, "config", Config, "~/.gitconfig"));

        recorder.Setup.ShouldContain($" -i \"$HOME/.ssh/deploy-key\" -i \"$HOME/.ssh/{Uuid}\"\n");
        recorder.Setup.ShouldContain("# Is the repository private? Its clone needs an SSH key among the secrets of the job: name it below secrets in the manifest\n");
        outcome.ShouldBeOfType<BuildOutcome.Failed>().Reason.ShouldBe(FailReason.Setup);
    }

    [BubblewrapFact]
    public async Task A_file_that_the_build_may_not_write_fails_it_by_its_path()
    {
        var (recorder, outcome) = await Run(ExecutionDriver.Bubblewrap, ["true"], Secret(SecretType.PlaintextFile, "conf", "hunter2\n", "/etc/nothing/conf"));

        outcome.ShouldBeOfType<BuildOutcome.Failed>().ShouldSatisfyAllConditions(
            failed => failed.Reason.ShouldBe(FailReason.Setup),
            failed => failed.Detail.ShouldNotBeNull().ShouldStartWith("Writing /etc/nothing/conf failed with exit status "));
        recorder.Setup.ShouldNotContain("hunter2");
        recorder.Statuses.ShouldBeEmpty();
    }

    [BubblewrapFact]
    public async Task A_PGP_key_can_sign_and_its_file_is_gone()
    {
        const string Key = """
            -----BEGIN PGP PRIVATE KEY BLOCK-----

            lFgEXgvhABYJKwYBBAHaRw8BAQdArN+JeCve8Rgso27lFexsGIea0loLXhHNxfa2
            0QaJX4sAAPwNKSPKi/UZkDZAMyFncnmSYwTCkD2656pJIjIOXLuc0Q5mtBhtaWEg
            PG1pYUBidWlsZHMuZXhhbXBsZT6IkAQTFggAOBYhBJTJorRb+v++I8lZQ4yoz2e6
            a/q+BQJeC+EAAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEIyoz2e6a/q+
            jOIA/2SeG7DtrbNOZiTXesIeK5m2O7ttBr8geJytFdnyXyTmAQCgZUzqzJd8bmhy
            8slZXFjSkPabltE3A582k3Kn97C5Cg==
            =j+RC
            -----END PGP PRIVATE KEY BLOCK-----
            """;

        var (recorder, outcome) = await Run(
            ExecutionDriver.Bubblewrap, ["cd; echo x | gpg --batch --sign | gpg --batch --verify 2>&1 | grep -o 'Good signature'; ls -A | grep builds-pgp || echo gone"],
            Secret(SecretType.PgpKey, "releases", Key));

        outcome.ShouldBeOfType<BuildOutcome.Succeeded>(recorder.Setup + recorder.Log(0));
        Lines(recorder).ShouldBe(["Good signature", "gone"]);
    }

    [BubblewrapFact]
    public async Task A_token_is_in_the_environment_and_in_the_configuration_of_hut()
    {
        await using var harness = new ExecutorHarness(o => o.Driver = ExecutionDriver.Bubblewrap);
        var recorder = new FakeRecorder();
        var manifest = ExecutorHarness.Manifest("set +x; bash -c 'echo $OAUTH2_TOKEN'; stat -c %a .config/hut/config; cat .config/hut/config") with
        {
            Environment = [new("OAUTH2_TOKEN", new Manifests.EnvironmentValue.List([new Manifests.EnvironmentValue.Text("mine")]))],
        };

        await harness.Executor.Run(ExecutorHarness.Plan(manifest) with { Secrets = true, Token = "TheToken" }, recorder, default, default);

        Lines(recorder).ShouldBe(["TheToken", "600", "instance \"builds\" {", "    access-token \"TheToken\"", "    builds {", "        origin \"http://builds.example\"", "    }", "}"]);
    }

    [BubblewrapFact]
    public async Task What_gpg_does_not_take_fails_the_build_and_leaves_no_file()
    {
        var (recorder, outcome) = await Run(ExecutionDriver.Bubblewrap, ["true"], Secret(SecretType.PgpKey, "releases", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n"));

        outcome.ShouldBeOfType<BuildOutcome.Failed>().Detail.ShouldNotBeNull().ShouldStartWith("gpg --import for secret releases failed with exit status ");
        recorder.Setup.ShouldContain("# Secret releases: pgp_key\n");
    }

    private static Task<(FakeRecorder Recorder, BuildOutcome Outcome)> Run(ExecutionDriver driver, string[] scripts, params BuildSecret[] secrets) => Run(driver, scripts, manifest => manifest, secrets);

    private static async Task<(FakeRecorder Recorder, BuildOutcome Outcome)> Run(
        ExecutionDriver driver, string[] scripts, Func<Manifests.BuildManifest, Manifests.BuildManifest> change, params BuildSecret[] secrets)
    {
        await using var harness = new ExecutorHarness(o => o.Driver = driver);
        var recorder = new FakeRecorder();
        var plan = ExecutorHarness.Plan(change(ExecutorHarness.Manifest(scripts))) with { Secrets = true, Opened = [.. secrets] };
        return (recorder, await harness.Executor.Run(plan, recorder, default, default));
    }

    private static IEnumerable<string> Lines(FakeRecorder recorder) =>
        recorder.Log(0).ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith('+'));

    private static BuildSecret Secret(SecretType type, string reference, string value, string? path = null, int mode = 0b110_000_000) =>
        new(reference, new SecretInfo(1, "alice", Uuid, type, reference, path, mode, null, Some.Time), value);
}
