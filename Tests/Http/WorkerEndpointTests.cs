using System.Globalization;
using Builds.Execution;
using Builds.Jobs;
using Builds.Queue;
using Builds.Workers;

namespace Builds.Tests;

/// <summary>Workers and the queue over HTTP. The server has one worker with two slots, and each test leaves it ready and empty.</summary>
public sealed class WorkerEndpointTests : IAsyncLifetime
{
    private const string Held = "image: held\ntasks:\n- a: 'true'\n";
    private const string Settings = "Builds:Worker:Slots";

    private readonly StandingDate clock = new(Some.Time);
    private BuildsServer server = null!;

    private string Name => server.Service<WorkerIdentity>().Name;

    private HttpClient Admin => server.Client;

    public async Task InitializeAsync() =>
        server = await BuildsServer.Start(new BuildsServerOptions { Clock = clock, Settings = new Dictionary<string, string?> { [Settings] = "2" } });

    public async Task DisposeAsync() => await server.DisposeAsync();

    [Fact]
    public async Task Drain_list_and_resume_show_the_worker_as_it_is()
    {
        var job = (await Admin.PostJson("/api/jobs", new { manifest = Held })).Id;
        var build = await server.Executor!.Build(new(job));

        (await Admin.PostJson($"/api/workers/{Name}/drain", new { deadline = 600, note = "a new disk" })).ShouldBe(
            200, Worker("draining", Running(job), "\"a new disk\"", $"\"{At(0)}\"", $"\"{At(600)}\""));
        (await Listed("draining")).ShouldBe(200, $$"""{"results":[{{Worker("draining", Running(job), "\"a new disk\"", $"\"{At(0)}\"", $"\"{At(600)}\"")}}]}""");

        build.End(new BuildOutcome.Failed(FailReason.Task, null));
        await server.Ended(job);
        (await Listed("drained")).ShouldBe(200, $$"""{"results":[{{Worker("drained", "", "\"a new disk\"", $"\"{At(0)}\"", $"\"{At(600)}\"")}}]}""");
        (await Admin.Post($"/api/workers/{Name}/resume")).ShouldBe(200, Worker("ready", "", "null", "null", "null"));
        (await Admin.Post($"/api/workers/{Name}/resume")).ShouldBe(200, Worker("ready", "", "null", "null", "null"));
    }

    [Fact]
    public async Task A_drain_needs_no_body_and_a_deadline_of_0_hands_back_at_once()
    {
        (await Admin.Post($"/api/workers/{Name}/drain")).ShouldBe(200, Worker("drained", "", "null", $"\"{At(0)}\"", "null"));
        (await Admin.Post($"/api/workers/{Name}/resume")).Status.ShouldBe(200);
        var job = (await Admin.PostJson("/api/jobs", new { manifest = Held })).Id;
        await server.Executor!.Build(new(job));

        (await Admin.PostForm($"/api/workers/{Name}/drain", ("deadline", "0"))).Status.ShouldBe(200);

        await Listed("drained");
        (await Admin.Get($"/api/jobs/{job}"))["status"].GetString().ShouldBe("queued");
    }

    [Fact]
    public async Task Every_mistake_of_a_drain_is_named()
    {
        (await Admin.PostJson($"/api/workers/{Name}/drain", new { deadline = -1, note = "two\nlines" })).ShouldRefuse(
            400,
            ("deadline", "deadline must be a number of seconds from 0 (hand back at once) to 604800, not -1: leave it out to let what runs end by itself"),
            ("note", "note must be one line of at most 500 characters"));
        (await Admin.PostJson($"/api/workers/{Name}/drain", new { deadline = "10m" })).ShouldRefuse(400, "deadline", "deadline should be an int");
        (await Listed("ready")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_worker_that_nobody_knows_is_not_there_and_one_that_is_gone_is_offline()
    {
        (await Admin.Post("/api/workers/nobody/drain")).ShouldRefuse(404, null, $"no worker is called 'nobody'; there is {Name}");
        (await Admin.Post("/api/workers/nobody/resume")).ShouldRefuse(404, null, $"no worker is called 'nobody'; there is {Name}");
        await server.Grains.GetGrain<IQueueGrain>(IQueueGrain.DefaultPool).Heartbeat(new Heartbeat("zz-gone", 1, 1, WorkerStatus.Ready, 0, ["host"], []));

        const string Offline = "worker 'zz-gone' is offline: it takes no job until its silo is started again, and starts ready, not drained";
        (await Admin.Post("/api/workers/zz-gone/drain")).ShouldRefuse(409, null, Offline);
        (await Admin.Post("/api/workers/zz-gone/resume")).ShouldRefuse(409, null, Offline);
        var gone = (await Admin.Get("/api/workers"))["results"].EnumerateArray().Single(worker => worker.GetProperty("name").GetString() == "zz-gone");
        gone.GetProperty("version").GetString().ShouldBeNull("it does not answer");
    }

    [Fact]
    public async Task Nobody_but_an_admin_with_the_scope_gets_in()
    {
        using var user = server.CreateClient(await server.CreateToken("mia", scopes: ["*"]));
        using var reader = server.CreateClient(await server.CreateToken("ada", isAdmin: true, scopes: ["workers:read"]));
        using var other = server.CreateClient(await server.CreateToken("ada", isAdmin: true, scopes: ["jobs:write"]));
        const string Admins = "This endpoint is for admins only: use a token of an admin";

        foreach (var path in (string[])["/api/workers", "/api/queue"])
        {
            (await user.Get(path)).ShouldRefuse(403, null, Admins);
            (await reader.Get(path)).Status.ShouldBe(200);
            (await other.Get(path)).ShouldRefuse(403, null, "Your OAuth token is not permitted to use this endpoint (needs builds/workers:read)");
        }

        (await user.Post($"/api/workers/{Name}/drain")).ShouldRefuse(403, null, Admins);
        (await reader.Post($"/api/workers/{Name}/drain")).ShouldRefuse(403, null, "Your OAuth token is not permitted to use this endpoint (needs builds/workers:write)");
        (await reader.Post($"/api/workers/{Name}/resume")).ShouldRefuse(403, null, "Your OAuth token is not permitted to use this endpoint (needs builds/workers:write)");
    }

    [Fact]
    public async Task A_queued_job_and_the_queue_say_why_and_since_when_it_waits()
    {
        await Admin.Post($"/api/workers/{Name}/drain");
        var first = (await Admin.PostJson("/api/jobs", new { manifest = Held })).Id;
        var second = (await Admin.PostJson("/api/jobs", new { manifest = Held })).Id;
        var queue = await Until("/api/queue", answer => answer["results"][0].GetProperty("queued").GetInt32() == 2);

        var waiting = (await Until($"/api/jobs/{second}", answer => answer["waiting"].ValueKind != System.Text.Json.JsonValueKind.Null))["waiting"];
        waiting.GetProperty("place").GetInt32().ShouldBe(2);
        var why = waiting.GetProperty("why").GetString()!;
        why.ShouldNotBeNullOrEmpty();
        (await Admin.Get($"/api/jobs/{first}")).Body.ShouldEndWith(",\"waiting\":{\"place\":1,\"why\":" + Answer.Quote(why) + "},\"triggers\":[],\"sources\":[]}");
        queue.ShouldBe(200, $$"""
            {"results":[{"pool":"default","queued":2,"running":0,"slots":0,"free_slots":0,"oldest_queued":"{{At(0)}}","oldest_wait":0,"owners":[{"owner":"~admin","queued":2,"running":0,"oldest_queued":"{{At(0)}}"}],"owner_count":1,"reasons":[{"reason":"no-worker","why":{{Answer.Quote(why)}},"jobs":2}]}]}
            """);

        await Admin.Post($"/api/workers/{Name}/resume");
        await server.Executor!.Build(new(second));
        (await Admin.Get($"/api/jobs/{second}")).Body.ShouldEndWith(",\"waiting\":null,\"triggers\":[],\"sources\":[]}");
    }

    private static string At(int seconds) => ApiTime.Text(Some.Time.AddSeconds(seconds));

    private static string Running(int job) => $$"""{"id":{{job}},"attempt":1,"since":"{{At(0)}}"}""";

    private string Worker(string status, string running, string note, string since, string deadline) => $$"""
        {"name":"{{Name}}","status":"{{status}}","slots":2,"running":[{{running}}],"images":["host","held"],"pool":"default","labels":[],"note":{{note}},"drained_since":{{since}},"deadline":{{deadline}},"leaving":false,"last_heard":"{{At(0)}}","version":"{{ProductVersion.Text}}"}
        """;

    /// <summary>The list as soon as its worker has this status. When it was heard of, which nobody here decides, is replaced by the hour.</summary>
    private async Task<Answer> Listed(string status)
    {
        var answer = await Until("/api/workers", answer => answer["results"][0].GetProperty("status").GetString() == status);
        var heard = answer["results"][0].GetProperty("last_heard").GetString()!;
        DateTimeOffset.Parse(heard, CultureInfo.InvariantCulture).ShouldBeInRange(Some.Time.AddMinutes(-1), Some.Time);
        return answer with { Body = answer.Body.Replace($"\"last_heard\":\"{heard}\"", $"\"last_heard\":\"{At(0)}\"", StringComparison.Ordinal) };
    }

    /// <summary>Asks until the answer is as it will become; fails with what it saw when that takes longer than a minute.</summary>
    private async Task<Answer> Until(string path, Func<Answer, bool> wanted)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            var answer = await Admin.Get(path);
            if (wanted(answer))
                return answer;
            bound.IsCancellationRequested.ShouldBeFalse(string.Create(CultureInfo.InvariantCulture, $"{path} still answers {answer.Status} {answer.Body}"));
        }
    }
}
