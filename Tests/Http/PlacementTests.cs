using Builds.Jobs;
using Builds.Queue;

namespace Builds.Tests;

/// <summary>Where and how urgently a job is to run, and how many of an owner may wait.</summary>
public sealed class PlacementTests(RestServer rest) : IClassFixture<RestServer>
{
    [Fact]
    public async Task Priority_pool_and_labels_reach_the_queue_from_JSON_and_from_a_form()
    {
        var client = await rest.As(rest.NewUser());

        var json = await client.PostJson("/api/jobs", new { manifest = Some.Manifest, priority = -3, pool = "arm", labels = new[] { "gpu", "big", "gpu" } });
        var form = await client.PostForm("/api/jobs", ("manifest", Some.Manifest), ("priority", "-3"), ("pool", "arm"), ("labels", "gpu"), ("labels", "big"));

        foreach (var answer in new[] { json, form })
        {
            answer.Status.ShouldBe(200);
            var job = (await rest.Server.Grains.GetGrain<IJobGrain>(answer.Id).Get())!;
            (job.Priority, job.Pool).ShouldBe((-3, "arm"));
            job.Labels.ShouldBe(["gpu", "big"]);
            var open = (await rest.Server.Service<ICatalogue>().FindOpen(job.Id, default))!;
            (open.Priority, open.Pool).ShouldBe((-3, "arm"));
            open.Labels.ShouldBe(["gpu", "big"]);
        }

        var queue = rest.Server.Grains.GetGrain<IQueueGrain>("arm");
        WaitingJob? waits = null;
        // The hint, or the next reconciliation, tells the queue.
        await Until(async () => (waits = await queue.Waiting(new JobId(form.Id))) is not null);
        (waits!.Place, waits.Reason, waits.Priority, waits.Why).ShouldBe((2, WaitReason.NoWorker, -3, "no worker takes jobs at the moment"));
        (await rest.Server.Service<ICatalogue>().Pools(default)).ShouldContain("arm");
    }

    [Fact]
    public async Task What_is_wrong_with_them_is_said_all_at_once()
    {
        var client = await rest.As(rest.NewUser());

        var answer = await client.PostJson("/api/jobs", new { manifest = Some.Manifest, priority = 11, pool = "No Pool", labels = new object[] { "good", "Bad", 5 } });

        answer.ShouldBe(400, """
            {"errors":[{"field":"priority","reason":"priority is 11: it must be -10 to 10, where higher is earlier"},{"field":"pool","reason":"pool is 'No Pool': a pool's name must be 1 to 64 of lowercase letters, digits, '.', '_' and '-', and begin with a letter or digit"},{"field":"labels","reason":"labels has 'Bad': a label must be 1 to 64 of lowercase letters, digits, '.', '_' and '-', and begin with a letter or digit"},{"field":"labels","reason":"labels should be a list of str"}]}
            """);
    }

    [Fact]
    public async Task Above_the_limit_of_waiting_jobs_a_submission_and_a_start_are_refused_and_a_repeat_is_answered()
    {
        await using var server = await BuildsServer.Start(new BuildsServerOptions { Settings = new Dictionary<string, string?> { [$"{QueueOptions.Section}:QueuedPerOwner"] = "2" } });
        // A queue that has not read the catalogue yet lets everybody in: ask as somebody else until it counts.
        await Until(async () => !(await server.Grains.GetGrain<IQueueGrain>("nowhere").Admit("somebody")).Admitted);
        using var user = server.CreateClient(await server.CreateToken("mia", scopes: ["jobs:write"]));
        var body = new { manifest = Some.Manifest, pool = "nowhere" };
        var pending = await user.PostJson("/api/jobs", new { manifest = Some.Manifest, pool = "nowhere", execute = false });
        var first = await user.PostJson("/api/jobs", body, ("Idempotency-Key", "k"));
        var second = await user.PostJson("/api/jobs", body);
        var third = await user.PostJson("/api/jobs", body);

        const string Refusal = """{"errors":[{"reason":"~mia has 2 jobs waiting in pool nowhere, and an owner may have 2: submit again when some of them have started, or cancel some"}]}""";
        (first.Status, second.Status).ShouldBe((200, 200));
        third.ShouldBe(429, Refusal);
        third.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(5));
        (await user.Post($"/api/jobs/{pending.Id}/start")).ShouldBe(429, Refusal);
        (await user.PostJson("/api/jobs", body, ("Idempotency-Key", "k"))).ShouldBe(200, first.Body);
        (await user.PostJson("/api/jobs", new { manifest = Some.Manifest, pool = "nowhere", execute = false })).Status.ShouldBe(200, "it does not wait");
    }

    private static async Task Until(Func<Task<bool>> happened)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await happened())
            bound.Token.ThrowIfCancellationRequested();
    }
}
