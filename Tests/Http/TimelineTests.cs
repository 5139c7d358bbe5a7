using Builds.Jobs;
using Builds.Workers;

namespace Builds.Tests;

/// <summary>GET /api/jobs/ID/timeline.</summary>
public sealed class TimelineTests(RestServer rest) : IClassFixture<RestServer>
{
    private string At => rest.Clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'+00:00'");

    private string Worker => rest.Server.Service<WorkerIdentity>().Name;

    [Fact]
    public async Task A_job_tells_what_was_decided_about_it()
    {
        var client = await rest.As(rest.NewUser());
        var job = (await client.PostJson("/api/jobs", new { manifest = "image: held\ntasks:\n- a: 'true'\n", execute = false })).Id;
        (await client.Post($"/api/jobs/{job}/start")).Status.ShouldBe(200);
        await rest.Executor.Build(new(job));
        (await client.Post($"/api/jobs/{job}/cancel")).Status.ShouldBe(200);
        await rest.Server.Ended(job);

        var answer = await client.Get($"/api/jobs/{job}/timeline");

        answer.ShouldBe(200, $$"""
            {"results":[{"at":"{{At}}","event":"submitted","attempt":0,"worker":null,"detail":"waits until its owner starts it"},{"at":"{{At}}","event":"started","attempt":0,"worker":null,"detail":null},{"at":"{{At}}","event":"queued","attempt":0,"worker":null,"detail":null},{"at":"{{At}}","event":"claimed","attempt":1,"worker":"{{Worker}}","detail":null},{"at":"{{At}}","event":"cancel-requested","attempt":1,"worker":null,"detail":null},{"at":"{{At}}","event":"finished","attempt":1,"worker":"{{Worker}}","detail":"failed (cancelled)"}]}
            """);
    }

    [Fact]
    public async Task It_is_seen_by_whoever_may_see_the_job()
    {
        var user = rest.NewUser();
        var (owner, stranger, writer) = (await rest.As(user), await rest.As(rest.NewUser()), await rest.As(user, "tokens:read"));
        var (hidden, open) = (await JobTests.SubmitWith(rest, user, Visibility.Private), await JobTests.SubmitWith(rest, user, Visibility.Unlisted));

        foreach (var client in (HttpClient[])[owner, rest.Admin])
            (await client.Get($"/api/jobs/{hidden}/timeline"))["results"].GetArrayLength().ShouldBe(1);
        (await stranger.Get($"/api/jobs/{hidden}/timeline")).ShouldRefuse(404, null, "404 not found");
        (await stranger.Get($"/api/jobs/{open}/timeline"))["results"].GetArrayLength().ShouldBe(1);
        (await rest.Anonymous().Get($"/api/jobs/{open}/timeline")).ShouldRefuse(401, null, "No authorization supplied (expected an OAuth token)");
        (await writer.Get($"/api/jobs/{open}/timeline")).ShouldRefuse(403, null, "Your OAuth token is not permitted to use this endpoint (needs builds/jobs:read)");
    }

    [Theory]
    [InlineData("999999")]
    [InlineData("x")]
    [InlineData("0")]
    public async Task Where_there_is_no_job_there_is_no_timeline(string id) =>
        (await rest.Admin.Get($"/api/jobs/{id}/timeline")).ShouldRefuse(404, null, "404 not found");
}
