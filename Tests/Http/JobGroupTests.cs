namespace Builds.Tests;

/// <summary>Groups of jobs (contract/rest section 5.8).</summary>
public sealed class JobGroupTests(RestServer rest) : IClassFixture<RestServer>
{
    private const string Held = "image: held\ntasks:\n- a: 'true'\n";

    [Fact]
    public async Task A_group_is_made_of_pending_jobs_which_stay_pending()
    {
        var (user, client) = await NewClient();
        var (first, second) = (await Pending(client), await Pending(client));

        var made = await client.PostJson("/api/job-group", new { jobs = new[] { second, first }, note = "two *jobs*" });

        var expected = Group(made.Id, "\"two *jobs*\"", user, (second, "pending"), (first, "pending"));
        made.ShouldBe(200, expected);
        (await client.Get($"/api/job-group/{made.Id}")).ShouldBe(200, expected);
    }

    [Fact]
    public async Task A_group_with_execute_is_queued_at_once()
    {
        var (user, client) = await NewClient();
        var job = await Pending(client);

        var made = await client.PostJson("/api/job-group", new { jobs = new[] { job }, execute = true });

        await rest.Executor.Build(new(job));
        (await client.Get($"/api/job-group/{made.Id}")).ShouldBe(200, Group(made.Id, "null", user, (job, "running")));
        made.Body.ShouldBeOneOf(Group(made.Id, "null", user, (job, "queued")), Group(made.Id, "null", user, (job, "running")));
    }

    [Fact]
    public async Task Start_queues_the_members_that_are_pending()
    {
        var (user, client) = await NewClient();
        var (job, cancelled) = (await Pending(client), await Pending(client));
        var made = await client.PostForm("/api/job-group", ("jobs", $"{job}"), ("jobs", $"{cancelled}"));
        (await client.Post($"/api/jobs/{cancelled}/cancel")).Status.ShouldBe(200);

        var started = await client.Post($"/api/job-group/{made.Id}/start");

        started.Status.ShouldBe(200);
        await rest.Executor.Build(new(job));
        (await client.Post($"/api/job-group/{made.Id}/start")).ShouldBe(200, Group(made.Id, "null", user, (job, "running"), (cancelled, "failed")));
    }

    [Fact]
    public async Task Cancel_cancels_every_member()
    {
        var (user, client) = await NewClient();
        var (first, second) = (await Pending(client), await Pending(client));
        var made = await client.PostJson("/api/job-group", new { jobs = new[] { first, second } });

        var cancelled = await client.Post($"/api/job-group/{made.Id}/cancel");

        cancelled.ShouldBe(200, Group(made.Id, "null", user, (first, "failed"), (second, "failed")));
        (await client.Post($"/api/job-group/{made.Id}/cancel")).ShouldBe(200, cancelled.Body);
        (await client.Get($"/api/jobs/{first}"))["reason"].GetString().ShouldBe("cancelled");
    }

    [Fact]
    public async Task A_group_is_there_for_its_owner_and_admins_only()
    {
        var (user, client) = await NewClient();
        var (_, stranger) = await NewClient();
        var job = await Pending(client);
        var made = await client.PostJson("/api/job-group", new { jobs = new[] { job } });

        (await stranger.Get($"/api/job-group/{made.Id}")).ShouldBe(404, "{}");
        (await stranger.Post($"/api/job-group/{made.Id}/start")).ShouldBe(404, "{}");
        (await stranger.Post($"/api/job-group/{made.Id}/cancel")).ShouldBe(404, "{}");
        (await rest.Admin.Get($"/api/job-group/{made.Id}")).ShouldBe(200, Group(made.Id, "null", user, (job, "pending")));
        (await client.Get("/api/job-group/2147483647")).ShouldBe(404, "{}");
        (await client.Get("/api/job-group/one")).ShouldBe(404, "{}");
    }

    [Fact]
    public async Task A_job_that_is_not_yours_or_not_pending_or_grouped_already_refuses_the_whole_group()
    {
        var (user, client) = await NewClient();
        var (_, stranger) = await NewClient();
        var (theirs, free, grouped) = (await Pending(stranger), await Pending(client), await Pending(client));
        var done = (await client.PostJson("/api/jobs", new { manifest = Some.Manifest })).Id;
        (await client.PostJson("/api/job-group", new { jobs = new[] { grouped } })).Status.ShouldBe(200);

        var refused = await client.PostJson("/api/job-group", new { jobs = new[] { free, theirs, grouped, done } });

        refused.ShouldRefuse(
            400,
            ("jobs", $"Job {theirs} cannot join: each job must be yours, pending and in no group yet, and this one is no job of yours"),
            ("jobs", $"Job {grouped} cannot join: each job must be yours, pending and in no group yet, and this one is in another group"),
            ("jobs", $"Job {done} cannot join: each job must be yours, pending and in no group yet, and this one is not pending"));
        var again = await client.PostJson("/api/job-group", new { jobs = new[] { free } });
        again.ShouldBe(200, Group(again.Id, "null", user, (free, "pending")));
    }

    [Fact]
    public async Task Triggers_are_read_and_their_mistakes_named()
    {
        var (user, client) = await NewClient();
        var job = await Pending(client);

        var refused = await client.PostJson("/api/job-group", new
        {
            jobs = new[] { job },
            triggers = new object[] { new { action = "sms", condition = "always" }, new { action = "email", condition = "never" }, new { action = "webhook", condition = "always" } },
        });
        var made = await client.PostJson("/api/job-group", new
        {
            jobs = new[] { job },
            triggers = new object[] { new { action = "email", condition = "failure", to = "mia@example.org", cc = "zoe@example.org" }, new { action = "webhook", condition = "always", url = "https://example.org/" } },
        });

        refused.ShouldRefuse(
            400,
            ("triggers", "action of a trigger must be email or webhook, not 'sms'"),
            ("triggers", "condition of a trigger must be success, failure or always, not 'never'"),
            ("triggers", "a trigger with the action webhook needs url, a text"));
        made.ShouldBe(200, Group(made.Id, "null", user, (job, "pending")));
    }

    [Theory]
    [InlineData("{}", "jobs", "jobs is required")]
    [InlineData("""{"jobs":[]}""", "jobs", "jobs is required")]
    [InlineData("""{"jobs":["1"]}""", "jobs", "Expected jobs to be an array of integers (job IDs)")]
    [InlineData("""{"jobs":[1.5]}""", "jobs", "Expected jobs to be an array of integers (job IDs)")]
    [InlineData("""{"jobs":[0]}""", "jobs", "0 is no job id: a whole number from 1 to 2147483647")]
    [InlineData("""{"jobs":[1],"triggers":[1]}""", "triggers", "Expected triggers to be an array of triggers")]
    [InlineData("""{"jobs":[1],"triggers":{}}""", "triggers", "triggers should be a list")]
    [InlineData("""{"jobs":[1],"note":1}""", "note", "note should be a str")]
    [InlineData("""{"jobs":[1],"execute":"true"}""", "execute", "execute should be a bool")]
    public async Task A_wrong_value_is_refused(string body, string field, string reason)
    {
        var (_, client) = await NewClient();

        (await client.PostJson("/api/job-group", body)).ShouldRefuse(400, field, reason);
    }

    [Fact]
    public async Task Reading_needs_jobs_read_and_all_else_jobs_write()
    {
        var reader = await rest.As(rest.NewUser(), "jobs:read");
        const string Refusal = "Your OAuth token is not permitted to use this endpoint (needs builds/jobs:write)";

        (await reader.Get("/api/job-group/1")).ShouldBe(404, "{}");
        (await reader.PostJson("/api/job-group", new { jobs = new[] { 1 } })).ShouldRefuse(403, null, Refusal);
        (await reader.Post("/api/job-group/1/start")).ShouldRefuse(403, null, Refusal);
        (await reader.Post("/api/job-group/1/cancel")).ShouldRefuse(403, null, Refusal);
    }

    private static string Group(int id, string note, string user, params (int Id, string Status)[] jobs) =>
        $$"""{"id":{{id}},"note":{{note}},"owner":{"canonical_name":"~{{user}}","name":"{{user}}"},"jobs":[{{string.Join(',', jobs.Select(job => $$"""{"id":{{job.Id}},"status":"{{job.Status}}"}"""))}}]}""";

    private static async Task<int> Pending(HttpClient client) => (await client.PostJson("/api/jobs", new { manifest = Held, execute = false })).Id;

    private async Task<(string User, HttpClient Client)> NewClient()
    {
        var user = rest.NewUser();
        return (user, await rest.As(user));
    }
}
