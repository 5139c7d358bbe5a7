using System.Text;
using Builds.Jobs;

namespace Builds.Tests;

/// <summary>POST /api/jobs (contract/rest sections 5.2 and 6).</summary>
public sealed class SubmitTests(RestServer rest) : IClassFixture<RestServer>
{
    private const string NoManifest = "manifest is required";
    private const string BadTag = "Invalid tag name, tags must use lowercase alphanumeric characters, underscores, dashes, or dots";

    [Fact]
    public async Task The_answer_is_the_whole_job()
    {
        var user = rest.NewUser();

        var answer = await (await rest.As(user)).PostJson("/api/jobs", new { manifest = Some.Manifest, note = "see *this* ünd <that>", tags = new[] { "Fix.1", "a_b-c" }, execute = false });

        answer.ShouldBe(200, $$"""
            {"id":{{answer.Id}},"status":"pending","reason":null,"setup_log":null,"tasks":[{"name":"a","status":"pending","log":null},{"name":"b","status":"pending","log":null}],"note":"see *this* ünd <that>","runner":null,"tags":"Fix.1/a_b-c","owner":{{RestServer.Owner(user)}},"waiting":null,"triggers":[],"sources":[]}
            """);
    }

    [Fact]
    public async Task A_job_is_queued_unless_asked_otherwise()
    {
        var user = rest.NewUser();

        var answer = await (await rest.As(user)).PostJson("/api/jobs", new { manifest = "image: nobody-offers-this\ntasks:\n- a: 'true'\n" });

        answer.ShouldBe(200, $$"""
            {"id":{{answer.Id}},"status":"queued","reason":null,"setup_log":null,"tasks":[{"name":"a","status":"pending","log":null}],"note":null,"runner":null,"tags":"","owner":{{RestServer.Owner(user)}},"waiting":null,"triggers":[],"sources":[]}
            """);
    }

    [Fact]
    public async Task A_form_says_the_same_as_JSON()
    {
        var user = rest.NewUser();
        var client = await rest.As(user);
        using var parts = new MultipartFormDataContent
        {
            { new StringContent(Some.Manifest), "manifest" }, { new StringContent("n"), "note" }, { new StringContent("x"), "tags" }, { new StringContent("y"), "tags" }, { new StringContent("false"), "execute" },
        };

        var encoded = await client.PostForm("/api/jobs", ("manifest", Some.Manifest), ("note", "n"), ("tags", "x"), ("tags", "y"), ("execute", "false"));
        var multipart = await client.Ask(HttpMethod.Post, "/api/jobs", parts);

        encoded.ShouldBe(200, Expected(encoded.Id));
        multipart.ShouldBe(200, Expected(multipart.Id));
        string Expected(int id) => $$"""
            {"id":{{id}},"status":"pending","reason":null,"setup_log":null,"tasks":[{"name":"a","status":"pending","log":null},{"name":"b","status":"pending","log":null}],"note":"n","runner":null,"tags":"x/y","owner":{{RestServer.Owner(user)}},"waiting":null,"triggers":[],"sources":[]}
            """;
    }

    [Fact]
    public async Task Unknown_keys_are_ignored_and_jobs_are_unlisted()
    {
        var client = await rest.As(rest.NewUser());

        var answer = await client.PostJson("/api/jobs", new Dictionary<string, object> { ["manifest"] = Some.Manifest, ["execute"] = false, ["access:read"] = "*", ["visibility"] = "private", ["triggers"] = 1 });

        answer.Status.ShouldBe(200);
        (await rest.Anonymous().Get($"/api/jobs/{answer.Id}/manifest")).Body.ShouldBe(Some.Manifest);
        (await rest.Server.Grains.GetGrain<IJobGrain>(answer.Id).Get())!.Visibility.ShouldBe(Visibility.Unlisted);
    }

    [Theory]
    [InlineData("image: host\nsecrets:\n- 0d3d43a7-b9b3-4d42-ae51-1d0f1d0f1d0f\ntasks:\n- a: 'true'\n", null, true)]
    [InlineData("image: host\noauth: builds.sr.ht/JOBS:RO\ntasks:\n- a: 'true'\n", null, true)]
    [InlineData("image: host\ntasks:\n- a: 'true'\n", null, false)]
    [InlineData("image: host\ntasks:\n- a: 'true'\n", true, true)]
    public async Task Secrets_are_on_when_the_manifest_names_some_or_the_request_says_so(string manifest, bool? secrets, bool expected)
    {
        var client = await rest.As(rest.NewUser(), "jobs:write", "secrets:read");
        var body = new Dictionary<string, object> { ["manifest"] = manifest, ["execute"] = false };
        if (secrets is not null)
            body["secrets"] = secrets;

        var answer = await client.PostJson("/api/jobs", body);

        answer.Status.ShouldBe(200, answer.Body);
        (await rest.Server.Grains.GetGrain<IJobGrain>(answer.Id).Get())!.Secrets.ShouldBe(expected);
    }

    [Theory]
    [InlineData("jobs:write,secrets:read", true, "jobs:read")]
    [InlineData("*", true, "jobs:read,secrets:write")]
    [InlineData("*", false, "")]
    [InlineData("jobs:write", null, "")]
    public async Task A_job_is_granted_what_its_manifest_asks_for_and_its_submitter_has(string scopes, bool? secrets, string expected)
    {
        const string Manifest = "image: host\noauth: builds.sr.ht/LOGS:RW builds/SECRETS:RW git.sr.ht/PROFILE:RO builds.sr.ht/JOBS\ntasks:\n- a: 'true'\n";
        var client = await rest.As(rest.NewUser(), scopes.Split(','));

        var job = await (secrets is { } asked
            ? client.PostJson("/api/jobs", new { manifest = Manifest, execute = false, secrets = asked })
            : client.PostJson("/api/jobs", new { manifest = Manifest, execute = false }));

        string.Join(',', (await rest.Server.Grains.GetGrain<IJobGrain>(job.Id).Get())!.Grants).ShouldBe(expected);
    }

    [Fact]
    public async Task Without_the_scope_for_them_a_job_gets_no_secrets_and_may_not_ask_for_them()
    {
        const string Manifest = "image: host\nsecrets:\n- deploy-key\ntasks:\n- a: 'true'\n";
        var client = await rest.As(rest.NewUser());

        var silent = await client.PostJson("/api/jobs", new { manifest = Manifest, execute = false });

        (await rest.Server.Grains.GetGrain<IJobGrain>(silent.Id).Get())!.Secrets.ShouldBeFalse();
        (await client.PostJson("/api/jobs", new { manifest = Manifest, secrets = false, execute = false })).Status.ShouldBe(200);
        (await client.PostJson("/api/jobs", new { manifest = Manifest, secrets = true })).ShouldRefuse(
            400, "secrets", "your token does not have the scope secrets:read, so its jobs cannot use your secrets: leave the key out, or say false");
    }

    [Theory]
    [InlineData("{", null, "Invalid JSON provided")]
    [InlineData("", null, "Invalid JSON provided")]
    [InlineData("[1]", null, "Expected JSON dictionary")]
    [InlineData("\"{}\"", null, "Expected JSON dictionary")]
    [InlineData("""{"manifest":null}""", "manifest", "manifest may not be null")]
    [InlineData("""{"manifest":1}""", "manifest", "manifest should be a str")]
    [InlineData("""{"manifest":["image"]}""", "manifest", "manifest should be a str")]
    public async Task What_holds_no_manifest_is_told_twice(string body, string? field, string reason) =>
        (await rest.Admin.PostJson("/api/jobs", body)).ShouldRefuse(400, (field, reason), ("manifest", NoManifest));

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"manifest":""}""")]
    public async Task A_manifest_must_be_there(string body) => (await rest.Admin.PostJson("/api/jobs", body)).ShouldRefuse(400, "manifest", NoManifest);

    [Theory]
    [InlineData("note", "1", "note should be a str")]
    [InlineData("note", "null", "note may not be null")]
    [InlineData("tags", "\"a\"", "tags should be a list")]
    [InlineData("tags", "null", "tags may not be null")]
    [InlineData("tags", "[\"a b\"]", BadTag)]
    [InlineData("tags", "[\"\"]", BadTag)]
    [InlineData("tags", "[\"a\\n\"]", BadTag)]
    [InlineData("tags", "[1]", BadTag)]
    [InlineData("tags", "[\"a:b\"]", BadTag)]
    [InlineData("execute", "\"true\"", "execute should be a bool")]
    [InlineData("execute", "null", "execute may not be null")]
    [InlineData("secrets", "1", "secrets should be a bool")]
    [InlineData("secrets", "null", "secrets may not be null")]
    public async Task A_wrong_value_is_refused(string key, string value, string reason) =>
        (await rest.Admin.PostJson("/api/jobs", $$"""{"manifest":"image: host\ntasks:\n- a: 'true'\n","{{key}}":{{value}}}""")).ShouldRefuse(400, key, reason);

    [Fact]
    public async Task Several_mistakes_come_at_once() =>
        (await rest.Admin.PostJson("/api/jobs", """{"note":1,"tags":["a b"],"execute":1,"secrets":null}""")).ShouldRefuse(
            400, ("manifest", NoManifest), ("note", "note should be a str"), ("execute", "execute should be a bool"), ("secrets", "secrets may not be null"));

    [Fact]
    public async Task A_manifest_has_fewer_than_16384_characters()
    {
        var longest = Padded(16383, "é");

        (await rest.Admin.PostJson("/api/jobs", new { manifest = longest, execute = false })).Status.ShouldBe(200);
        (await rest.Admin.PostJson("/api/jobs", new { manifest = longest + "\n", execute = false })).ShouldRefuse(400, "manifest", "Manifest must be less than 16384 bytes");
        static string Padded(int length, string with) => (Some.Manifest + "# " + new StringBuilder().Insert(0, with, length))[..length];
    }

    [Fact]
    public async Task A_note_has_at_most_4096_characters()
    {
        (await rest.Admin.PostJson("/api/jobs", new { manifest = Some.Manifest, execute = false, note = new string('n', 4096) })).Status.ShouldBe(200);
        (await rest.Admin.PostJson("/api/jobs", new { manifest = Some.Manifest, execute = false, note = new string('n', 4097) })).ShouldRefuse(
            400, "note", "note may have at most 4096 characters, this one has 4097");
    }

    [Fact]
    public async Task What_the_manifest_says_wrongly_is_told_without_a_field() =>
        (await rest.Admin.PostJson("/api/jobs", new { manifest = "image: host\noauth: builds/jobs:read\ntasks:\n- a: 'true'\n" })).ShouldRefuse(
            400, null, "line 2, column 8: OAuth grant 'builds/jobs:read' has an invalid access level: write SERVICE/SCOPE:RO or SERVICE/SCOPE:RW");
}
