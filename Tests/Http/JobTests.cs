using Builds.Execution;
using Builds.Jobs;
using Builds.Workers;

namespace Builds.Tests;

/// <summary>One job: read, start, cancel (contract/rest sections 4 and 5.3 to 5.7).</summary>
public sealed class JobTests(RestServer rest) : IClassFixture<RestServer>
{
    private const string Held = "image: held\ntasks:\n- a: 'true'\n- b: 'true'\n";

    [Fact]
    public async Task A_running_job_names_its_runner_and_its_logs()
    {
        var (user, client) = await NewClient();
        var job = (await client.PostJson("/api/jobs", new { manifest = Held })).Id;
        await rest.Executor.Build(new(job));

        (await client.Get($"/api/jobs/{job}")).ShouldBe(200, Job(job, user, "running", "null", "pending", "pending"));
    }

    [Fact]
    public async Task A_job_that_went_well_is_a_success()
    {
        var (user, client) = await NewClient();
        var job = (await client.PostJson("/api/jobs", new { manifest = Some.Manifest })).Id;

        (await Ended(client, job)).ShouldBe(200, Job(job, user, "success", "null", "success", "success"));
    }

    [Theory]
    [InlineData(FailReason.Task, "task")]
    [InlineData(FailReason.Setup, "setup")]
    [InlineData(FailReason.Timeout, "timeout")]
    [InlineData(FailReason.Artifact, "artifact")]
    [InlineData(FailReason.Limit, "limit")]
    [InlineData(FailReason.Internal, "internal")]
    public async Task A_job_that_failed_says_why(FailReason reason, string word)
    {
        var (user, client) = await NewClient();
        var job = (await client.PostJson("/api/jobs", new { manifest = Held })).Id;

        (await rest.Executor.Build(new(job))).End(new BuildOutcome.Failed(reason, "it was so"));

        (await Ended(client, job)).ShouldBe(200, Job(job, user, "failed", $"\"{word}\"", "pending", "pending"));
    }

    [Fact]
    public async Task A_private_job_exists_for_its_owner_and_admins_only()
    {
        var (user, client) = await NewClient();
        var (_, stranger) = await NewClient();
        var job = await SubmitWith(rest, user, Visibility.Private);

        (await client.Get($"/api/jobs/{job}")).Status.ShouldBe(200);
        (await rest.Admin.Get($"/api/jobs/{job}")).Status.ShouldBe(200);
        (await stranger.Get($"/api/jobs/{job}")).ShouldRefuse(404, null, "404 not found");
        (await stranger.Get($"/api/jobs/{job}/artifacts")).ShouldRefuse(404, null, "404 not found");
        (await stranger.Get($"/api/jobs/{job}/manifest")).ShouldRefuse(404, null, "404 not found");
        (await stranger.Post($"/api/jobs/{job}/start")).ShouldRefuse(404, null, "404 not found");
        (await stranger.Post($"/api/jobs/{job}/cancel")).ShouldRefuse(404, null, "404 not found");
        (await rest.Anonymous().Get($"/api/jobs/{job}/manifest")).ShouldRefuse(404, null, "404 not found");
        (await client.Get($"/api/jobs/{job}/manifest")).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData(Visibility.Public)]
    [InlineData(Visibility.Unlisted)]
    public async Task Other_jobs_can_be_seen_by_everybody(Visibility visibility)
    {
        var (user, client) = await NewClient();
        var (_, stranger) = await NewClient();
        var job = await SubmitWith(rest, user, visibility);

        (await stranger.Get($"/api/jobs/{job}")).ShouldBe(200, (await client.Get($"/api/jobs/{job}")).Body);
    }

    [Fact]
    public async Task The_manifest_comes_back_as_it_was_sent_and_without_a_token()
    {
        const string Manifest = "# ünïcode, blanks   \r\nimage: host\r\ntasks:\r\n- a: 'true'\r\n\r\n";
        var (_, client) = await NewClient();
        var job = (await client.PostJson("/api/jobs", new { manifest = Manifest, execute = false })).Id;

        var answer = await rest.Anonymous().Get($"/api/jobs/{job}/manifest");

        (answer.Status, answer.Type, answer.Body).ShouldBe((200, "text/plain; charset=utf-8", Manifest));
    }

    [Fact]
    public async Task A_job_that_left_nothing_behind_has_an_empty_page_of_artifacts()
    {
        var (user, client) = await NewClient();
        var job = await SubmitWith(rest, user, Visibility.Unlisted);

        (await client.Get($"/api/jobs/{job}/artifacts")).ShouldBe(200, """{"next":null,"results":[],"results_per_page":50,"total":0}""");
        (await client.Get($"/api/jobs/{job}/artifacts?start=x")).Status.ShouldBe(400);
    }

    [Fact]
    public async Task The_artifacts_of_a_job_are_listed_with_their_addresses()
    {
        var (user, client) = await NewClient();
        var job = (await client.PostJson("/api/jobs", new { manifest = "image: held\ntasks:\n- a: 'true'\nartifacts:\n- out/one.txt\n- b c.bin\n" })).Id;
        var build = await rest.Executor.Build(new(job));
        await build.RunTask(0, BuildTaskStatus.Success);
        await build.Recorder.StoreArtifact("out/one.txt", new MemoryStream("one\n"u8.ToArray()), CancellationToken.None);
        await build.Recorder.StoreArtifact("b c.bin", new MemoryStream([0, 1]), CancellationToken.None);
        build.End(new BuildOutcome.Succeeded());
        await Ended(client, job);

        var list = await client.Get($"/api/jobs/{job}/artifacts");

        var addresses = list["results"].EnumerateArray().Select(artifact => artifact.GetProperty("url").GetString()!).ToList();
        list.ShouldBe(200, $$"""
            {"next":null,"results":[{"id":2,"created":"{{rest.Now}}","path":"b c.bin","name":"b c.bin","url":"{{addresses[0]}}","size":2},{"id":1,"created":"{{rest.Now}}","path":"out/one.txt","name":"one.txt","url":"{{addresses[1]}}","size":4}],"results_per_page":50,"total":2}
            """);
        addresses[1].ShouldMatch($"^{rest.Origin}/artifacts/~{user}/{job}/[0-9a-f]{{16}}/one[.]txt$");
        (await rest.Anonymous().GetStringAsync(addresses[1])).ShouldBe("one\n");
    }

    [Fact]
    public async Task Start_queues_a_pending_job_whatever_the_body_says()
    {
        var (_, client) = await NewClient();
        var job = (await client.PostJson("/api/jobs", new { manifest = Held, execute = false })).Id;

        (await client.PostJson($"/api/jobs/{job}/start", "\"{}\"")).ShouldBe(200, "{}");

        await rest.Executor.Build(new(job));
        (await client.Post($"/api/jobs/{job}/start")).ShouldRefuse(400, null, "This job is already running");
        (await client.Post($"/api/jobs/{job}/cancel")).ShouldBe(200, "{}");
        await Ended(client, job);
        (await client.Post($"/api/jobs/{job}/start")).ShouldRefuse(400, null, "This job is already complete");
    }

    [Fact]
    public async Task A_queued_job_cannot_be_started_again_and_is_cancelled_at_once()
    {
        await using var idle = await BuildsServer.Start(new BuildsServerOptions { Settings = new Dictionary<string, string?> { [$"{WorkerOptions.Section}:Slots"] = "0" } });
        var job = (await idle.Client.PostJson("/api/jobs", new { manifest = Some.Manifest })).Id;

        (await idle.Client.Post($"/api/jobs/{job}/start")).ShouldRefuse(400, null, "This job is already queued");
        (await idle.Client.Post($"/api/jobs/{job}/cancel")).ShouldBe(200, "{}");
        (await idle.Client.Get($"/api/jobs/{job}"))["reason"].GetString().ShouldBe("cancelled");
    }

    [Fact]
    public async Task A_running_job_can_be_cancelled()
    {
        var (user, client) = await NewClient();
        var job = (await client.PostJson("/api/jobs", new { manifest = Held })).Id;
        await rest.Executor.Build(new(job));

        (await client.Post($"/api/jobs/{job}/cancel")).ShouldBe(200, "{}");

        (await Ended(client, job)).ShouldBe(200, Job(job, user, "failed", "\"cancelled\"", "pending", "pending"));
        (await client.Post($"/api/jobs/{job}/cancel")).ShouldBe(200, "{}");
    }

    [Fact]
    public async Task A_job_that_waits_is_cancelled_at_once()
    {
        var (user, client) = await NewClient();
        var job = (await client.PostJson("/api/jobs", new { manifest = Held, execute = false })).Id;

        (await client.Post($"/api/jobs/{job}/cancel")).ShouldBe(200, "{}");

        (await client.Get($"/api/jobs/{job}")).ShouldBe(200, $$"""
            {"id":{{job}},"status":"failed","reason":"cancelled","setup_log":null,"tasks":[{"name":"a","status":"pending","log":null},{"name":"b","status":"pending","log":null}],"note":null,"runner":null,"tags":"","owner":{{RestServer.Owner(user)}},"waiting":null,"triggers":[],"sources":[]}
            """);
    }

    [Fact]
    public async Task An_admin_may_cancel_anybodys_job()
    {
        var (user, client) = await NewClient();
        var job = await SubmitWith(rest, user, Visibility.Private);

        (await rest.Admin.Post($"/api/jobs/{job}/cancel")).ShouldBe(200, "{}");
        (await client.Get($"/api/jobs/{job}"))["status"].GetString().ShouldBe("failed");
    }

    /// <summary>A pending job; REST itself cannot choose the visibility.</summary>
    internal static async Task<int> SubmitWith(RestServer rest, string user, Visibility visibility)
    {
        var id = await rest.Server.Grains.GetGrain<IJobIdGrain>(IJobIdGrain.Jobs).Next();
        await rest.Server.Grains.GetGrain<IJobGrain>(id.Value).Submit(Some.Submission(user) with { Execute = false, Visibility = visibility });
        return id.Value;
    }

    private static async Task<Answer> Ended(HttpClient client, int job)
    {
        while (true)
        {
            var answer = await client.Get($"/api/jobs/{job}?wait=300");
            if (answer["status"].GetString() is "success" or "failed")
                return answer;
        }
    }

    private string Job(int id, string user, string status, string reason, string a, string b)
    {
        var runner = rest.Server.Service<WorkerIdentity>().Name;
        return $$"""
            {"id":{{id}},"status":"{{status}}","reason":{{reason}},"setup_log":"{{rest.Origin}}/logs/{{id}}/log","tasks":[{"name":"a","status":"{{a}}","log":"{{rest.Origin}}/logs/{{id}}/a/log"},{"name":"b","status":"{{b}}","log":"{{rest.Origin}}/logs/{{id}}/b/log"}],"note":null,"runner":"{{runner}}","tags":"","owner":{{RestServer.Owner(user)}},"waiting":null,"triggers":[],"sources":[]}
            """;
    }

    private async Task<(string User, HttpClient Client)> NewClient()
    {
        var user = rest.NewUser();
        return (user, await rest.As(user));
    }
}
