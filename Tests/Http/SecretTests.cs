using Builds.Secrets;

namespace Builds.Tests;

/// <summary>Secrets over HTTP.</summary>
public sealed class SecretTests(RestServer rest) : IClassFixture<RestServer>
{
    private const string Value = "machine example.org login mia password hunter2";

    [Fact]
    public async Task A_value_goes_in_and_never_out()
    {
        var mia = await rest.As(rest.NewUser(), "secrets:write");

        var made = await Keep(mia, "netrc");

        var model = $$"""{"id":{{made.Id}},"created":"{{rest.Now}}","uuid":"{{Uuid(made)}}","type":"plaintext_file","name":"netrc","from_user":null,"path":"~/.netrc","mode":"600"}""";
        made.ShouldBe(200, model);
        (await mia.Get("/api/secrets")).ShouldBe(200, $$"""{"next":null,"results":[{{model}}],"results_per_page":50,"total":1}""");
        (await mia.Delete($"/api/secrets/{Uuid(made)}")).ShouldBe(200, "{}");
        (await mia.Delete($"/api/secrets/{Uuid(made)}")).ShouldRefuse(404, null, "404 not found");
        (await mia.Get("/api/secrets"))["total"].GetInt32().ShouldBe(0);
    }

    [Fact]
    public async Task A_form_says_the_same()
    {
        var mia = await rest.As(rest.NewUser(), "*");

        var made = await mia.PostForm("/api/secrets", ("type", "pgp_key"), ("value", "-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n\r\nAAAA\r\n-----END PGP PUBLIC KEY BLOCK-----\r\n"));

        made["type"].GetString().ShouldBe("pgp_key");
        made["path"].ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
    }

    [Fact]
    public async Task A_list_has_pages_like_any_other()
    {
        var mia = await rest.As(rest.NewUser(), "*");
        for (var number = 1; number <= 51; number++)
            await Keep(mia, $"secret-{number}");

        var first = await mia.Get("/api/secrets");

        first["results"].GetArrayLength().ShouldBe(50);
        first["results"][0].GetProperty("name").GetString().ShouldBe("secret-51");
        var last = await mia.Get($"/api/secrets?start={first["next"].GetString()}");
        last["results"].EnumerateArray().Single().GetProperty("name").GetString().ShouldBe("secret-1");
        (await mia.Get("/api/secrets?start=x")).Status.ShouldBe(400);
    }

    [Fact]
    public async Task A_secret_is_its_owners_alone_until_it_is_shared()
    {
        var (name, other) = (rest.NewUser(), rest.NewUser());
        var (mia, noa) = (await rest.As(name, "*"), await rest.As(other, "*"));
        var uuid = Uuid(await Keep(mia, "netrc"));
        (await noa.Delete($"/api/secrets/{uuid}")).Status.ShouldBe(404);
        (await noa.PostJson($"/api/secrets/{uuid}/share", new { user = other })).Status.ShouldBe(404);

        var copy = await mia.PostJson($"/api/secrets/{uuid}/share", new { user = $"~{other}" });

        copy.ShouldBe(200, $$"""{"id":{{copy.Id}},"created":"{{rest.Now}}","uuid":"{{uuid}}","type":"plaintext_file","name":"netrc","from_user":"~{{name}}","path":"~/.netrc","mode":"600"}""");
        (await mia.PostJson($"/api/secrets/{uuid}/share", new { user = other }))["id"].GetInt32().ShouldBe(copy.Id, "a repeat changes nothing");
        (await mia.Delete($"/api/secrets/{uuid}")).Status.ShouldBe(200);
        (await noa.Get("/api/secrets"))["total"].GetInt32().ShouldBe(1);
        (await mia.PostJson($"/api/secrets/{uuid}/share", new { user = other })).Status.ShouldBe(404);
    }

    [Fact]
    public async Task It_is_shared_with_users_that_there_are()
    {
        var name = rest.NewUser();
        var mia = await rest.As(name, "*");
        var uuid = Uuid(await Keep(mia, "netrc"));

        (await mia.PostJson($"/api/secrets/{uuid}/share", new { user = "nobody-at-all" })).ShouldRefuse(400, "user", "No such user");
        (await mia.PostJson($"/api/secrets/{uuid}/share", new { user = name })).ShouldRefuse(400, "user", "this secret is yours already: name somebody else");
        (await mia.PostJson($"/api/secrets/{uuid}/share", new { })).ShouldRefuse(400, "user", "user is required");
        (await mia.PostJson("/api/secrets/whatever/share", new { user = "admin" })).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Every_mistake_of_a_request_is_named_and_no_value_shown()
    {
        var mia = await rest.As(rest.NewUser(), "*");
        var uuid = Uuid(await Keep(mia, "netrc"));

        (await mia.PostJson("/api/secrets", new { })).ShouldRefuse(400, ("type", "type is required"), ("value", "value is required"));
        (await mia.PostJson("/api/secrets", new { type = 1, value = Value, mode = 600 })).ShouldRefuse(400, ("type", "type should be a str"), ("mode", "mode should be a str"));
        var noKey = await mia.PostJson("/api/secrets", new { type = "ssh_key", name = "abc", value = Value });
        (noKey.Status, noKey["errors"].GetArrayLength()).ShouldBe((400, 2));
        noKey.Body.ShouldNotContain("hunter2");
        (await Keep(mia, "netrc")).ShouldRefuse(400, "name", $"you have a secret of that name already, {uuid}: remove it first, or choose another name");
    }

    [Fact]
    public async Task Each_door_needs_its_scope()
    {
        var (none, reader) = (await rest.As(rest.NewUser()), await rest.As(rest.NewUser(), "secrets:read"));
        const string Refusal = "Your OAuth token is not permitted to use this endpoint (needs builds/secrets:";

        (await none.Get("/api/secrets")).ShouldRefuse(403, null, Refusal + "read)");
        (await reader.Get("/api/secrets")).Status.ShouldBe(200);
        (await Keep(reader, "netrc")).ShouldRefuse(403, null, Refusal + "write)");
        (await reader.Delete($"/api/secrets/{Guid.NewGuid()}")).ShouldRefuse(403, null, Refusal + "write)");
        (await (await rest.As(rest.NewUser(), "*")).PostJson("/api/secrets/rotate-keys", new { })).ShouldRefuse(403, null, "This endpoint is for admins only: use a token of an admin");
    }

    [Fact]
    public async Task With_a_new_key_every_secret_is_sealed_anew_and_builds_get_what_they_did()
    {
        var user = rest.NewUser();
        var mia = await rest.As(user, "*");
        await Keep(mia, "netrc");
        var catalogue = rest.Server.Service<ISecretCatalogue>();
        var before = (await catalogue.Of(user, default)).Single();

        (await rest.Admin.PostJson("/api/secrets/rotate-keys", new { }))["secrets"].GetInt32().ShouldBeGreaterThan(0);

        var after = (await catalogue.Of(user, default)).Single();
        (after.Info, after.Sealed == before.Sealed).ShouldBe((before.Info, false));
        after.Sealed.ShouldNotContain("hunter2");
        var job = await mia.PostJson("/api/jobs", new { manifest = "image: host\nsecrets: [netrc]\ntasks:\n- a: 'true'\n" });
        (await rest.Executor.Build(new Builds.Jobs.JobId(job.Id))).Plan.Opened.Single().Value.ShouldBe(Value + "\n");
    }

    private static string Uuid(Answer made) => made["uuid"].GetString()!;

    private static Task<Answer> Keep(HttpClient client, string name) =>
        client.PostJson("/api/secrets", new { type = "plaintext_file", name, value = Value, path = "~/.netrc", mode = "600" });
}
