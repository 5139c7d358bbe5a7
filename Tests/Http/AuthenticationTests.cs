using Builds.Storage;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace Builds.Tests;

/// <summary>Who is let in (contract/rest section 1).</summary>
public sealed class AuthenticationTests(RestServer rest) : IClassFixture<RestServer>
{
    private const string NoJobs = """{"next":null,"results":[],"results_per_page":50,"total":0}""";

    [Theory]
    [InlineData("token")]
    [InlineData("Bearer")]
    public async Task Both_words_before_the_token_are_understood(string word)
    {
        var token = await rest.Server.CreateToken(rest.NewUser(), scopes: "jobs:read");

        (await Ask("/api/jobs", $"{word} {token}")).ShouldBe(200, NoJobs);
        (await Ask("/api/jobs/", $"{word} {token}")).ShouldBe(200, NoJobs);
    }

    [Fact]
    public async Task Without_a_token_nothing_is_told()
    {
        var answer = await rest.Anonymous().Get("/api/jobs");

        answer.ShouldRefuse(401, null, "No authorization supplied (expected an OAuth token)");
        answer.Headers.WwwAuthenticate.ToString().ShouldBe("Bearer");
    }

    [Theory]
    [InlineData("Basic bWlhOnNlY3JldA==")]
    [InlineData("Internal AAAA")]
    [InlineData("TOKEN abc")]
    [InlineData("bearer abc")]
    public async Task Another_scheme_is_no_authorization(string header) =>
        (await Ask("/api/jobs", header)).ShouldRefuse(401, null, "No authorization supplied (expected an OAuth token)");

    [Theory]
    [InlineData("token a b")]
    [InlineData("Bearer  abc")]
    public async Task More_or_less_than_two_words_are_refused(string header) =>
        (await Ask("/api/jobs", header)).ShouldRefuse(401, null, "Invalid authorization supplied");

    [Fact]
    public async Task An_unknown_token_is_refused() =>
        (await Ask("/api/jobs", "token 0123456789abcdef0123456789abcdef")).ShouldRefuse(401, null, "Invalid or expired OAuth token");

    [Fact]
    public async Task A_token_ends_with_its_last_day()
    {
        var clock = rest.Clock;
        var token = await rest.Server.CreateToken(rest.NewUser(), expires: clock.GetUtcNow().AddMinutes(1), scopes: "*");
        (await Ask("/api/jobs", "token " + token)).Status.ShouldBe(200);

        clock.Advance(TimeSpan.FromMinutes(1));

        (await Ask("/api/jobs", "token " + token)).ShouldRefuse(401, null, "Invalid or expired OAuth token");
    }

    [Theory]
    [InlineData("jobs:read")]
    [InlineData("jobs")]
    [InlineData("builds/jobs:read")]
    [InlineData("jobs:write")]
    [InlineData("builds/jobs:write")]
    [InlineData("*")]
    public async Task These_scopes_let_one_read_jobs(string scope) =>
        (await (await rest.As(rest.NewUser(), scope)).Get("/api/jobs")).ShouldBe(200, NoJobs);

    [Theory]
    [InlineData("tokens:write")]
    [InlineData("other/jobs:read")]
    public async Task These_scopes_do_not_let_one_read_jobs(string scope) =>
        (await (await rest.As(rest.NewUser(), scope)).Get("/api/jobs")).ShouldRefuse(
            403, null, "Your OAuth token is not permitted to use this endpoint (needs builds/jobs:read)");

    [Theory]
    [InlineData("/api/jobs")]
    [InlineData("/api/jobs/1/start")]
    [InlineData("/api/jobs/1/cancel")]
    public async Task Writing_needs_jobs_write(string path) =>
        (await (await rest.As(rest.NewUser(), "jobs:read")).Post(path)).ShouldRefuse(
            403, null, "Your OAuth token is not permitted to use this endpoint (needs builds/jobs:write)");

    [Fact]
    public async Task A_token_that_cannot_be_checked_is_neither_good_nor_bad()
    {
        await using var broken = await BuildsServer.Start(new BuildsServerOptions
        {
            Clock = new StandingDate(Some.Time),
            Configure = services => services.AddKeyedSingleton<IGrainStorage>(StorageNames.Provider, (_, _) => new UnreadableTokens()),
        });
        using var client = broken.CreateClient("token-that-nobody-can-look-up");

        (await client.Get("/api/jobs")).ShouldRefuse(500, null, "Temporary authentication failure");
    }

    private Task<Answer> Ask(string path, string authorization) => rest.Anonymous().Ask(HttpMethod.Get, path, null, ("Authorization", authorization));

    /// <summary>Fails to read every token but the one that the start itself makes first.</summary>
    private sealed class UnreadableTokens : IGrainStorage, ILifecycleParticipant<ISiloLifecycle>
    {
        private readonly FakeStorage storage = new();
        private GrainId? first;

        // The real storage takes part in the silo's start, so its stand-in is asked to.
        public void Participate(ISiloLifecycle observer) { }

        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            if (stateName == "token" && (first ??= grainId) != grainId)
                throw new IOException("the test said that this read fails");
            return storage.ReadStateAsync(stateName, grainId, grainState);
        }

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => storage.WriteStateAsync(stateName, grainId, grainState);

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => storage.ClearStateAsync(stateName, grainId, grainState);
    }
}
