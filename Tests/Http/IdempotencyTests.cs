namespace Builds.Tests;

/// <summary>The same Idempotency-Key is the same job, for 24 hours.</summary>
public sealed class IdempotencyTests(RestServer rest) : IClassFixture<RestServer>
{
    private static readonly object Body = new { manifest = Some.Manifest, execute = false };

    [Fact]
    public async Task The_same_key_again_answers_the_same_job()
    {
        var client = await rest.As(rest.NewUser());

        var first = await Submit(client, "key-1", Body);
        var form = await client.Ask(HttpMethod.Post, "/api/jobs", new FormUrlEncodedContent([new("manifest", Some.Manifest), new("execute", "false")]), ("Idempotency-Key", "key-1"));

        first.Status.ShouldBe(200);
        (await Submit(client, "key-1", Body)).ShouldBe(200, first.Body);
        form.ShouldBe(200, first.Body);
        (await client.Get("/api/jobs"))["total"].GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task Requests_that_race_with_one_key_make_one_job()
    {
        var client = await rest.As(rest.NewUser());

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Submit(client, "race", Body)));

        answers.Select(answer => answer.Body).Distinct().ShouldHaveSingleItem();
        (await client.Get("/api/jobs"))["total"].GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task The_same_key_with_other_content_is_refused()
    {
        var client = await rest.As(rest.NewUser());
        var first = await Submit(client, "key-2", Body);

        (await Submit(client, "key-2", new { manifest = Some.Manifest, execute = false, note = "other" })).ShouldRefuse(
            400, "Idempotency-Key", $"this key was used for job {first.Id} with other content less than 24 hours ago: use a new key for a new job");
    }

    [Fact]
    public async Task Keys_of_two_users_have_nothing_to_do_with_each_other()
    {
        var (mine, theirs) = (await rest.As(rest.NewUser()), await rest.As(rest.NewUser()));

        (await Submit(mine, "key-3", Body)).Id.ShouldNotBe((await Submit(theirs, "key-3", Body)).Id);
    }

    [Fact]
    public async Task A_key_is_forgotten_after_24_hours()
    {
        var token = await rest.Server.CreateToken(rest.NewUser(), scopes: "*");
        var client = rest.WithToken(token);
        var first = await Submit(client, "key-4", Body);

        rest.Clock.Advance(TimeSpan.FromHours(24));

        (await Submit(client, "key-4", Body)).Id.ShouldNotBe(first.Id);
    }

    [Theory]
    [InlineData("two words")]
    public async Task A_key_is_one_visible_word(string key)
    {
        var client = await rest.As(rest.NewUser());

        (await Submit(client, key, Body)).Status.ShouldBe(400);
        (await client.Get("/api/jobs"))["total"].GetInt32().ShouldBe(0);
    }

    [Fact]
    public async Task A_key_has_at_most_255_characters()
    {
        var client = await rest.As(rest.NewUser());

        (await Submit(client, new string('k', 255), Body)).Status.ShouldBe(200);
        (await Submit(client, new string('k', 256), Body)).ShouldRefuse(
            400, "Idempotency-Key", "the key must be one text of 1 to 255 visible ASCII characters, for example a new UUID for each job");
    }

    [Fact]
    public async Task A_key_is_remembered_over_a_restart()
    {
        var data = Directory.CreateTempSubdirectory("builds-test-").FullName;
        try
        {
            var options = new BuildsServerOptions { DataDirectory = data };
            Answer first;
            await using (var before = await BuildsServer.Start(options))
                first = await Submit(before.Client, "key-5", Body);
            await using var after = await BuildsServer.Start(options with { Executor = new FakeExecutor() });

            (await Submit(after.Client, "key-5", Body)).ShouldBe(200, first.Body);
            (await after.Client.Get("/api/jobs"))["total"].GetInt32().ShouldBe(1);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static Task<Answer> Submit(HttpClient client, string key, object body) => client.PostJson("/api/jobs", body, ("Idempotency-Key", key));
}
