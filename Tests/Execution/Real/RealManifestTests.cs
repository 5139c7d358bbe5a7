using System.Collections.Immutable;
using Builds.Execution.Places;
using Builds.Execution.Recorded;
using Builds.Manifests;
using Builds.Secrets;
using Builds.Support;
using Builds.Tests;

namespace Builds.Execution.Real;

/// <summary>
/// Real manifests from end to end in Debian: their packages installed by apt from Debian's mirror, their sources cloned from a server of
/// this machine, their tasks as they are. One of them in every run, all with <c>BUILDS_ROUNDS=2</c> or more.
/// </summary>
public sealed class RealManifestTests
{
    /// <summary>In the place of a deploy key: an ssh that is at its host at once.</summary>
    private const string SshToHere = """
        #!/bin/sh
        while case $1 in -o | -l) true ;; *) false ;; esac; do shift 2; done
        shift
        sudo mkdir -p /srv/http
        exec sudo "$@"

        """;

    /// <summary>One of them usually: each takes seconds, most of them apt's.</summary>
    public static TheoryData<RealManifest> Manifests => [.. RealManifest.All.Take(Rounds.Of(1) > 1 ? RealManifest.All.Count : 1)];

    [RealManifestTheory, MemberData(nameof(Manifests), DisableDiscoveryEnumeration = true)]
    public async Task A_real_manifest_succeeds_in_Debian_with_its_packages(RealManifest real)
    {
        var images = await DebianForAll.Images();
        await using var git = await GitServer.Of(Repository.PathOf("Tests", "Execution", "Real", "Sources"));
        await using var harness = new ExecutorHarness(options => options.Images = images);
        var manifest = RecordedPlans.Read(real.Name);
        manifest = manifest with { Sources = Sources(manifest, real, git.Address) };
        var recorder = new FakeRecorder();
        var plan = ExecutorHarness.Plan(manifest) with { Secrets = true, Opened = [.. manifest.Secrets.Select(StandIn)] };

        var outcome = await harness.Executor.Run(plan, recorder, default, default);

        outcome.ShouldBeOfType<BuildOutcome.Succeeded>(recorder.Transcript(outcome));
        var log = recorder.Setup + string.Concat(recorder.Statuses.Keys.Order().Select(recorder.Log));
        real.Installed.ShouldAllBe(package => log.Contains($"Setting up {package} (", StringComparison.Ordinal), log);
        InOrder(log, real.Words).ShouldBe(real.Words, log);
    }

    private static ImmutableArray<string> Sources(BuildManifest manifest, RealManifest real, string server) =>
        [.. real.Sources.Select((source, index) => $"{server}/{source}.git{RefOf(manifest.Sources.ElementAtOrDefault(index))}")];

    private static string RefOf(string? source) => source?.Split('#') is [_, var revision] ? $"#{revision}" : "";

    private static BuildSecret StandIn(string reference) =>
        new(reference, new SecretInfo(1, "alice", reference, SecretType.PlaintextFile, null, "/usr/local/bin/ssh", 0b111_101_101, null, Some.Time), SshToHere);

    /// <summary>As many of the words, from the first, as the text has one after the other.</summary>
    private static IEnumerable<string> InOrder(string text, IEnumerable<string> words)
    {
        var at = 0;
        foreach (var word in words)
        {
            at = text.IndexOf(word, at, StringComparison.Ordinal);
            if (at < 0) yield break;
            yield return word;
        }
    }
}

/// <summary>A test of real manifests in Debian: skipped where either is missing, but never in CI.</summary>
internal sealed class RealManifestTheoryAttribute : TheoryAttribute
{
    public RealManifestTheoryAttribute() => Skip = Conformance.SkipReason ?? TestImages.Missing;
}
