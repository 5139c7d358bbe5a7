using Builds.Users;

namespace Builds.Tests;

/// <summary>Tokens over HTTP.</summary>
public sealed class TokenTests(RestServer rest) : IClassFixture<RestServer>
{
    [Fact]
    public async Task A_new_token_opens_the_service_at_once()
    {
        var user = rest.NewUser();

        var made = await rest.Admin.PostJson("/api/tokens", new { user, scopes = new[] { "jobs:read" } });

        var text = made["token"].GetString()!;
        made.ShouldBe(200, $$"""{"id":"{{TokenText.Id(text)}}","token":"{{text}}","user":"{{user}}","scopes":["jobs:read"],"created":"{{rest.Now}}","expires":null}""");
        made.Headers.CacheControl!.NoStore.ShouldBeTrue();
        (await rest.WithToken(text).Get("/api/jobs")).ShouldBe(200, """{"next":null,"results":[],"results_per_page":50,"total":0}""");
    }

    [Fact]
    public async Task A_token_can_be_limited_to_days()
    {
        var user = rest.NewUser();

        var made = await rest.Admin.PostForm("/api/tokens", ("user", "~" + user), ("scopes", "jobs:read"), ("scopes", "jobs:write"), ("days", "7"));

        var text = made["token"].GetString()!;
        var expires = ApiTime.Text(rest.Clock.GetUtcNow().AddDays(7));
        made.ShouldBe(200, $$"""{"id":"{{TokenText.Id(text)}}","token":"{{text}}","user":"{{user}}","scopes":["jobs:read","jobs:write"],"created":"{{rest.Now}}","expires":"{{expires}}"}""");
    }

    [Fact]
    public async Task A_revoked_token_opens_nothing_from_the_next_request_on()
    {
        var made = await rest.Admin.PostJson("/api/tokens", new { user = rest.NewUser(), scopes = new[] { "*" } });
        var client = rest.WithToken(made["token"].GetString());
        (await client.Get("/api/jobs")).Status.ShouldBe(200);

        (await rest.Admin.Delete("/api/tokens/" + made["id"].GetString())).ShouldBe(200, "{}");

        (await client.Get("/api/jobs")).ShouldRefuse(401, null, "Invalid or expired OAuth token");
        (await rest.Admin.Delete("/api/tokens/" + made["id"].GetString())).ShouldBe(200, "{}");
    }

    [Fact]
    public async Task The_list_tells_all_about_a_users_tokens_but_their_text()
    {
        var user = rest.NewUser();
        var made = await rest.Admin.PostJson("/api/tokens", new { user, scopes = new[] { "jobs:read" } });
        var prefix = made["token"].GetString()![..8];
        string List(string revoked) => $$"""{"results":[{"id":"{{made["id"].GetString()}}","prefix":"{{prefix}}","user":"{{user}}","admin":false,"scopes":["jobs:read"],"created":"{{rest.Now}}","expires":null,"revoked":{{revoked}},"last_used":null}]}""";

        (await rest.Admin.Get($"/api/tokens?user={user}")).ShouldBe(200, List("null"));
        (await rest.Admin.Delete($"/api/tokens/{prefix}")).ShouldBe(200, "{}");
        (await rest.Admin.Get($"/api/tokens?user=~{user}")).ShouldBe(200, List($"\"{rest.Now}\""));
        (await rest.Admin.Get("/api/tokens")).Body.ShouldNotContain(made["token"].GetString()!);
    }

    [Fact]
    public async Task A_token_that_is_not_there_cannot_be_revoked()
    {
        (await rest.Admin.Delete("/api/tokens/" + TokenText.Id("no such token"))).ShouldRefuse(404, null, "404 not found");
        (await rest.Admin.Delete("/api/tokens/whatever")).ShouldRefuse(404, null, "404 not found");
        (await rest.Admin.Delete("/api/tokens/no")).ShouldRefuse(404, null, "404 not found");
    }

    [Fact]
    public async Task Every_mistake_of_a_request_is_named()
    {
        var answer = await rest.Admin.PostJson("/api/tokens", new { user = "No Name", scopes = new[] { "jobs:all", "cats" }, days = 0 });

        answer.ShouldRefuse(
            400,
            ("user", "'No Name' is no user name: 1 to 30 characters of a-z, 0-9, _ and -, the first one a letter or _"),
            ("scopes", "unknown scope 'jobs:all': it is *, or one of jobs, secrets, tokens, workers followed by :read or :write, for example jobs:write"),
            ("scopes", "unknown scope 'cats': it is *, or one of jobs, secrets, tokens, workers followed by :read or :write, for example jobs:write"),
            ("days", "days must be 1 to 36500, not 0: leave it out for a token that never expires"));
    }

    [Fact]
    public async Task User_and_scopes_must_be_there()
    {
        (await rest.Admin.PostJson("/api/tokens", new { })).ShouldRefuse(
            400, ("user", "user is required"), ("scopes", "scopes is required: for example [\"jobs:read\", \"jobs:write\"]"));
        (await rest.Admin.PostJson("/api/tokens", new { user = "mia", scopes = new object[] { 1, "jobs:read" }, days = "7" })).ShouldRefuse(
            400, ("scopes", "scopes should be a list of str"), ("days", "days should be an int"));
    }

    [Theory]
    [InlineData("~")]
    [InlineData("~~")]
    public async Task A_tilde_alone_is_no_user(string user) =>
        (await rest.Admin.PostJson("/api/tokens", new { user, scopes = new[] { "*" } })).ShouldRefuse(
            400, "user", "'' is no user name: 1 to 30 characters of a-z, 0-9, _ and -, the first one a letter or _");

    [Fact]
    public async Task Nobody_but_an_admin_touches_tokens()
    {
        var user = await rest.As(rest.NewUser(), "*");
        const string Refusal = "This endpoint is for admins only: use a token of an admin";

        (await user.Get("/api/tokens")).ShouldRefuse(403, null, Refusal);
        (await user.PostJson("/api/tokens", new { user = "admin", scopes = new[] { "*" } })).ShouldRefuse(403, null, Refusal);
        (await user.Delete("/api/tokens/whatever")).ShouldRefuse(403, null, Refusal);
        (await rest.Anonymous().Get("/api/tokens")).ShouldRefuse(401, null, "No authorization supplied (expected an OAuth token)");
    }

    [Fact]
    public async Task An_admins_token_needs_the_scope_and_grants_no_more_than_it_has()
    {
        var jobs = rest.WithToken(await rest.Server.CreateToken("admin", isAdmin: true, scopes: ["jobs:write"]));
        var tokens = rest.WithToken(await rest.Server.CreateToken("admin", isAdmin: true, scopes: ["tokens:write"]));

        (await jobs.Get("/api/tokens")).ShouldRefuse(403, null, "Your OAuth token is not permitted to use this endpoint (needs builds/tokens:read)");
        (await tokens.PostJson("/api/tokens", new { user = "mia", scopes = new[] { "jobs:read" } })).ShouldRefuse(
            400, "scopes", "your own token does not have the scope jobs:read, so it cannot grant it");
    }
}
