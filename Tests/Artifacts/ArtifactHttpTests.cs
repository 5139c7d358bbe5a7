using System.Net;
using System.Text.Json;
using Builds.Execution;
using Builds.Jobs;

namespace Builds.Tests.Artifacts;

public sealed class ArtifactHttpTests(RunningServer running) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task An_artifact_is_fetched_from_the_address_in_the_list_whole_or_in_part()
    {
        var (_, url) = await Finished(Visibility.Public);

        using var whole = await running.Ask(url);
        using var part = await running.Ask(url, "bytes=-3");
        using var head = await running.Ask(url, method: HttpMethod.Head);

        (await whole.Content.ReadAsStringAsync()).ShouldBe("<b>content</b>");
        whole.Content.Headers.ContentType!.ToString().ShouldBe("application/octet-stream");
        whole.Content.Headers.ContentDisposition!.ToString().ShouldBe("attachment; filename=\"a file.bin\"; filename*=UTF-8''a%20file.bin");
        whole.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        whole.Headers.ETag!.Tag.ShouldBe("\"be68ae66b66cbd65b071171f39d9eafb37540c22b872d5a5e359b23487cd865b\"");
        (part.StatusCode, part.Content.Headers.ContentRange!.ToString(), await part.Content.ReadAsStringAsync())
            .ShouldBe((HttpStatusCode.PartialContent, "bytes 11-13/14", "/b>"));
        (head.StatusCode, head.Content.Headers.ContentLength).ShouldBe((HttpStatusCode.OK, 14));
    }

    [Fact]
    public async Task An_artifact_that_became_too_old_stays_listed_and_its_address_says_why_it_is_gone()
    {
        var (job, url) = await Finished(Visibility.Public);
        (await running.Server.Grains.GetGrain<IJobGrain>(job.Value).Expire(JobPart.Artifacts)).ShouldBeTrue();

        using var answer = await running.Ask(url);
        using var list = JsonDocument.Parse(await running.Server.Client.GetStringAsync($"/api/jobs/{job}/artifacts"));

        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await answer.Content.ReadAsStringAsync()).ShouldMatch("""^\{"errors":\[\{"reason":"the artifacts of this job are no longer kept: they were deleted on \d{4}-\d\d-\d\d, when they had become too old or room was needed"\}\]\}$""");
        new Uri(list.RootElement.GetProperty("results")[0].GetProperty("url").GetString()!).AbsolutePath.ShouldBe(url);
    }

    [Fact]
    public async Task Every_other_address_is_not_found()
    {
        var (job, url) = await Finished(Visibility.Public);
        string[] others = [url.Replace("~mia", "~eve", StringComparison.Ordinal), url + "x", url.Replace($"/{job}/", "/999999/", StringComparison.Ordinal), $"/artifacts/~mia/{job}/0000000000000000/a%20file.bin"];

        foreach (var other in others)
        {
            using var answer = await running.Ask(other);
            ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync()).ShouldBe((404, """{"errors":[{"reason":"404 not found"}]}"""), other);
        }
    }

    [Fact]
    public async Task A_private_jobs_artifact_is_its_owners()
    {
        var (_, url) = await Finished(Visibility.Private);

        using var stranger = await running.Ask(url);
        using var other = await running.Ask(url, token: await running.Server.CreateToken("eve", scopes: "jobs:read"));
        using var owner = await running.Ask(url, token: await running.Server.CreateToken("mia", scopes: "jobs:read"));

        (stranger.StatusCode, other.StatusCode, owner.StatusCode).ShouldBe((HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.OK));
    }

    private async Task<(JobId Job, string Url)> Finished(Visibility visibility)
    {
        var job = await running.Submit(visibility);
        var build = await running.Server.Executor!.Build(job);
        await build.RunAllTasks();
        using var content = new MemoryStream("<b>content</b>"u8.ToArray());
        await build.Recorder.StoreArtifact("out/a file.bin", content, default);
        build.End(new BuildOutcome.Succeeded());
        await running.Ended(job);
        using var list = JsonDocument.Parse(await running.Server.Client.GetStringAsync($"/api/jobs/{job}/artifacts"));
        return (job, new Uri(list.RootElement.GetProperty("results")[0].GetProperty("url").GetString()!).AbsolutePath);
    }
}
