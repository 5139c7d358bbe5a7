using Builds.Execution;
using Builds.Jobs;
using Builds.Secrets;
using Builds.Users;

namespace Builds.Tests.Secrets;

/// <summary>The grain, and what an attempt gets of it.</summary>
public sealed class SecretGrainTests : IAsyncLifetime
{
    private const string Uuid = "0d3d43a7-b9b3-4d42-ae51-1d0f1d0f1d0f", Other = "11111111-2222-4333-8444-555555555555";

    private static readonly SecretKey Key = new("mia", Uuid);

    private BuildsTestCluster cluster = null!;

    public async Task InitializeAsync() => cluster = await BuildsTestCluster.Start();

    public async Task DisposeAsync() => await cluster.DisposeAsync();

    [Fact]
    public async Task A_secret_is_kept_once_and_removed_for_good()
    {
        var kept = await Keep(Key, "netrc", "first");

        (await Keep(Key, "other", "second")).ShouldBe(kept);
        (await Grain(Key).Get()).ShouldBe(new SecretInfo(1, "mia", Uuid, SecretType.PlaintextFile, "netrc", "~/x", 384, null, Some.Time));
        (await Grain(Key).Remove()).ShouldBeTrue();
        (await Grain(Key).Remove()).ShouldBeFalse();
        (await Grain(Key).Get()).ShouldBeNull();
        (await Grain(Key).Share("noa", 7)).ShouldBeNull();
        (await Grain(Key).Reseal()).ShouldBeFalse();
    }

    [Fact]
    public async Task A_secret_that_may_not_have_been_stored_is_looked_up_again()
    {
        cluster.Storage.LoseNextAnswer();
        await Should.ThrowAsync<Exception>(Keep(Key, "netrc", "first"));

        (await Grain(Key).Get()).ShouldNotBeNull().Name.ShouldBe("netrc");
    }

    [Fact]
    public async Task A_shared_secret_is_a_copy_that_lives_by_itself()
    {
        await Keep(Key, "netrc", "hunter2");

        var copy = (await Grain(Key).Share("noa", 7)).ShouldNotBeNull();
        await Grain(Key).Remove();

        copy.ShouldBe(new SecretInfo(7, "noa", Uuid, SecretType.PlaintextFile, "netrc", "~/x", 384, "mia", Some.Time));
        (await Opened("noa", Uuid)).ShouldBe(["hunter2"]);
        await Failed("mia", Uuid);
    }

    [Fact]
    public async Task Sealed_anew_a_secret_is_the_same_one()
    {
        await Keep(Key, "netrc", "hunter2");
        await cluster.Vault.NewKey();

        (await Grain(Key).Reseal()).ShouldBeTrue();

        (await ((ISecretCatalogue)cluster.Storage).Of("mia", default)).Single().Sealed.ShouldStartWith("2:");
        (await Opened("mia", "netrc")).ShouldBe(["hunter2"]);
    }

    [Fact]
    public async Task A_build_gets_what_its_manifest_names_in_that_order_and_under_those_names()
    {
        await Keep(Key, "netrc", "one");
        await Keep(new SecretKey("mia", Other), null, "two");

        var job = await cluster.Submit(Naming(Other.ToUpperInvariant(), "netrc"), secrets: true);

        var plan = (await cluster.Executor.Build(job.Id)).Plan;
        plan.Opened.Select(secret => (secret.Reference, secret.Info.Uuid, secret.Value)).ShouldBe([(Other.ToUpperInvariant(), Other, "two"), ("netrc", Uuid, "one")]);
    }

    [Fact]
    public async Task A_job_without_secrets_gets_none_and_goes_on()
    {
        await Keep(Key, "netrc", "one");

        var job = await cluster.Submit(Naming("netrc", "no such one"), secrets: false);

        (await cluster.WaitFor(job.Id, JobStatus.Success)).Reason.ShouldBeNull();
        (await cluster.Executor.Build(job.Id)).Plan.Opened.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_the_owner_does_not_have_fails_the_job_by_name_whoever_else_has_it()
    {
        await Keep(new SecretKey("noa", Uuid), "netrc", "hunter2");

        (await Failed("mia", "netrc")).ShouldBe("secret 'netrc' is not among the secrets of ~mia: see 'builds secret list'");
        (await Failed("mia", Uuid)).ShouldBe($"secret '{Uuid}' is not among the secrets of ~mia: see 'builds secret list'");
    }

    [Fact]
    public async Task A_build_has_the_token_it_was_granted_until_it_ends()
    {
        var id = await cluster.Grains.GetGrain<IJobIdGrain>(IJobIdGrain.Jobs).Next();
        await cluster.Job(id).Submit(Some.Submission(manifest: "image: held\noauth: builds.sr.ht/JOBS:RW\ntasks:\n- a: 'true'\n") with { Secrets = true, Grants = ["jobs:write"] });
        var build = await cluster.Executor.Build(id);

        var token = cluster.Grains.GetGrain<ITokenGrain>(TokenText.GrainKey(TokenText.Id(build.Plan.Token.ShouldNotBeNull())));
        var caller = (await token.Authenticate()).ShouldNotBeNull();
        (caller.User, caller.IsAdmin, string.Join(',', caller.Scopes)).ShouldBe(("mia", false, "jobs:write"));
        (await token.Get()).ShouldNotBeNull().Expires.ShouldBe(Some.Time.AddMinutes(45));
        build.Plan.ToString().ShouldNotContain(build.Plan.Token!);
        build.Plan.Confidential.Select(hidden => System.Text.Encoding.UTF8.GetString(hidden.Span)).ShouldBe([build.Plan.Token]);
        build.End(new BuildOutcome.Failed(FailReason.Task, null));

        await cluster.WaitFor(id, JobStatus.Failed);
        (await token.Authenticate()).ShouldBeNull();
        (await token.Get()).ShouldBeNull();
    }

    [Fact]
    public async Task Nobody_replaces_a_secret_of_another_one_by_sharing_his_own_under_that_name()
    {
        await Keep(new SecretKey("noa", Other), "deploy-key", "of noa");
        await Grain(new SecretKey("noa", Other)).Share("mia", id: 1);
        await Keep(Key, "deploy-key", "of mia", id: 2);

        (await Opened("mia", "deploy-key")).ShouldBe(["of mia"]);
        (await Opened("mia", Other)).ShouldBe(["of noa"]);
    }

    private async Task<SecretInfo> Keep(SecretKey key, string? name, string value, int id = 1) =>
        await Grain(key).Create(new SecretGrant(id, SecretType.PlaintextFile, name, "~/x", 0b110_000_000, null, await cluster.Vault.Seal(key, value)));

    private async Task<IEnumerable<string>> Opened(string owner, string reference)
    {
        var job = await cluster.Submit(Naming(reference), owner, secrets: true);
        return (await cluster.Executor.Build(job.Id)).Plan.Opened.Select(secret => secret.Value);
    }

    private async Task<string?> Failed(string owner, string reference)
    {
        var job = await cluster.Submit(Naming(reference), owner, secrets: true);
        var ended = await cluster.WaitFor(job.Id, JobStatus.Failed);
        ended.Reason.ShouldBe(FailReason.Setup);
        return ended.Detail;
    }

    private static string Naming(params string[] references) => $"image: host\nsecrets: [{string.Join(", ", references.Select(reference => $"\"{reference}\""))}]\ntasks:\n- a: 'true'\n";

    private ISecretGrain Grain(SecretKey key) => cluster.Grains.GetGrain<ISecretGrain>(key.GrainKey);
}
