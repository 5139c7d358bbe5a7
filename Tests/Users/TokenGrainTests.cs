using Builds.Users;

namespace Builds.Tests.Users;

public sealed class TokenGrainTests
{
    private static readonly TokenGrant Grant = new("mia", IsAdmin: false, ["jobs:read"], "abcdefgh", Some.Time.AddDays(1));

    [Fact]
    public async Task A_revoked_token_opens_nothing_from_that_moment_on()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var token = Token(cluster);
        await token.Create(Grant);
        (await token.Authenticate())!.User.ShouldBe("mia");

        (await token.Revoke()).ShouldBeTrue();

        (await token.Authenticate()).ShouldBeNull();
        await cluster.Deactivate(token);
        (await token.Authenticate()).ShouldBeNull("also after its grain was lost");
        (await token.Create(Grant)).Revoked.ShouldBe(Some.Time, "creating it again does not bring it back");
        (await token.Authenticate()).ShouldBeNull();
    }

    [Fact]
    public async Task A_revocation_whose_answer_was_lost_holds()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var token = Token(cluster);
        await token.Create(Grant);
        cluster.Storage.LoseNextAnswer();

        await Should.ThrowAsync<Exception>(token.Revoke());

        (await token.Authenticate()).ShouldBeNull();
    }

    [Fact]
    public async Task A_grain_that_was_not_told_of_a_revocation_finds_it_within_seconds()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var token = Token(cluster);
        await token.Create(Grant);
        (await token.Authenticate()).ShouldNotBeNull();

        // What an activation on another silo does, which this one knows nothing of.
        var elsewhere = new GrainState<TokenState>();
        await cluster.Storage.ReadStateAsync("token", token.GetGrainId(), elsewhere);
        elsewhere.State = elsewhere.State! with { Revoked = Some.Time };
        await cluster.Storage.WriteStateAsync("token", token.GetGrainId(), elsewhere);
        cluster.Clock.Advance(TimeSpan.FromSeconds(5));

        (await token.Authenticate()).ShouldBeNull();
    }

    [Fact]
    public async Task A_revocation_that_was_not_written_is_not_claimed_and_can_be_repeated()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var token = Token(cluster);
        await token.Create(Grant);
        cluster.Storage.FailNextWrite();

        await Should.ThrowAsync<Exception>(token.Revoke());

        (await token.Authenticate()).ShouldNotBeNull();
        (await token.Revoke()).ShouldBeTrue();
        (await token.Authenticate()).ShouldBeNull();
    }

    [Fact]
    public async Task While_the_time_of_use_cannot_be_stored_it_is_not_tried_with_every_request()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var token = Token(cluster);
        await token.Create(Grant);
        var failed = cluster.Storage.FailureOfNextWrite();
        await token.Authenticate();
        await failed.WaitAsync(TimeSpan.FromSeconds(60));

        cluster.Storage.FailNextWrite();
        for (var i = 0; i < 20; i++)
            (await token.Authenticate()).ShouldNotBeNull();

        await Should.ThrowAsync<Exception>(token.Revoke(), "the write that fails is left for this one");
        (await token.Revoke()).ShouldBeTrue();
    }

    [Fact]
    public async Task A_token_ends_with_its_time()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var token = Token(cluster);
        await token.Create(Grant);

        cluster.Clock.Advance(TimeSpan.FromDays(1) - TimeSpan.FromTicks(1));
        (await token.Authenticate()).ShouldNotBeNull();
        cluster.Clock.Advance(TimeSpan.FromTicks(1));

        (await token.Authenticate()).ShouldBeNull();
    }

    [Fact]
    public async Task An_unknown_token_opens_nothing_and_cannot_be_revoked()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);

        (await Token(cluster).Authenticate()).ShouldBeNull();
        (await Token(cluster).Get()).ShouldBeNull();
        (await Token(cluster).Revoke()).ShouldBeFalse();
    }

    private static ITokenGrain Token(BuildsTestCluster cluster) => cluster.Grains.GetGrain<ITokenGrain>(TokenText.GrainKey(TokenText.Id("the text")));
}
