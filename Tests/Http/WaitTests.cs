using Builds.Execution;
using Builds.Jobs;

namespace Builds.Tests;

/// <summary>GET /api/jobs/ID?wait=SECONDS answers when the status changes, or when the time is up.</summary>
public sealed class WaitTests(RestServer rest) : IClassFixture<RestServer>
{
    private const string Held = "image: held\ntasks:\n- a: 'true'\n";

    [Fact]
    public async Task The_answer_comes_with_the_next_status()
    {
        var client = await rest.As(rest.NewUser());
        var job = (await client.PostJson("/api/jobs", new { manifest = Held })).Id;
        var build = await rest.Executor.Build(new(job));
        var waiting = client.Get($"/api/jobs/{job}?wait=300");

        build.End(new BuildOutcome.Failed(FailReason.Task, null));

        (await waiting)["status"].GetString().ShouldBe("failed");
    }

    [Fact]
    public async Task A_job_that_has_ended_is_answered_at_once()
    {
        var client = await rest.As(rest.NewUser());
        var job = (await client.PostJson("/api/jobs", new { manifest = Held, execute = false })).Id;
        await client.Post($"/api/jobs/{job}/cancel");

        (await client.Get($"/api/jobs/{job}?wait=300")).ShouldBe(200, (await client.Get($"/api/jobs/{job}")).Body);
    }

    [Fact]
    public async Task When_the_time_is_up_the_job_is_answered_as_it_is()
    {
        var client = await rest.As(rest.NewUser());
        var job = (await client.PostJson("/api/jobs", new { manifest = Held, execute = false })).Id;

        (await client.Get($"/api/jobs/{job}?wait=1")).ShouldBe(200, (await client.Get($"/api/jobs/{job}")).Body);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("301")]
    [InlineData("-1")]
    [InlineData("soon")]
    [InlineData("")]
    public async Task A_wait_that_is_no_number_of_seconds_is_refused(string wait)
    {
        var client = await rest.As(rest.NewUser());
        var job = (await client.PostJson("/api/jobs", new { manifest = Held, execute = false })).Id;

        (await client.Get($"/api/jobs/{job}?wait={wait}")).ShouldRefuse(400, "wait", $"wait must be a whole number of seconds from 1 to 300, not '{wait}'");
    }
}
