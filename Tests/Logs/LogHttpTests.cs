using System.Net;
using Builds.Execution;
using Builds.Jobs;

namespace Builds.Tests.Logs;

public sealed class LogHttpTests(RunningServer running) : IClassFixture<RunningServer>
{
    private const string Plain = "text/plain; charset=utf-8";

    [Fact]
    public async Task A_log_is_read_at_both_addresses_during_and_after_the_run()
    {
        var job = await running.Submit();
        var build = await running.Server.Executor!.Build(job);
        await build.Recorder.TaskStarted(0, default);
        await build.Recorder.TaskOutput("hello\n"u8.ToArray(), default);
        await running.Visible(job, "a", 6);

        (await Text($"/logs/{job}/a/log")).ShouldBe("hello\n");
        (await Text($"/query/log/{job}/a/log", running.Server.AdminToken)).ShouldBe("hello\n");
        await build.Recorder.TaskOutput("bye\n"u8.ToArray(), default);
        await build.Recorder.TaskEnded(0, BuildTaskStatus.Success, default);
        (await Text($"/logs/{job}/a/log")).ShouldBe("hello\nbye\n");
        await build.RunTask(1, BuildTaskStatus.Success);
        build.End(new BuildOutcome.Succeeded());
        await running.Ended(job);

        (await Text($"/logs/{job}/a/log")).ShouldBe("hello\nbye\n");
        (await Text($"/logs/{job}/b/log")).ShouldBe("b\n");
        (await Text($"/query/log/{job}/log", running.Server.AdminToken)).ShouldMatch(@"^\[#\d+\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d Build complete: success\n$");
    }

    [Theory]
    [InlineData("/logs/{0}/log")]
    [InlineData("/logs/{0}/a/log")]
    [InlineData("/logs/{0}/log?follow=true")]
    [InlineData("/query/log/{0}/log")]
    public async Task A_log_that_became_too_old_says_so(string address)
    {
        var job = await running.Submit();
        var build = await running.Server.Executor!.Build(job);
        await build.RunAllTasks();
        build.End(new BuildOutcome.Succeeded());
        await running.Ended(job);
        (await running.Server.Grains.GetGrain<IJobGrain>(job.Value).Expire(JobPart.Logs)).ShouldBeTrue();

        using var answer = await running.Ask(string.Format(address, job), token: running.Server.AdminToken);

        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await answer.Content.ReadAsStringAsync()).ShouldContain("the logs of this job are no longer kept: they were deleted on ");
    }

    [Theory]
    [InlineData(null, 200, null, "0123456789")]
    [InlineData("bytes=0-", 206, "bytes 0-9/10", "0123456789")]
    [InlineData("bytes=3-", 206, "bytes 3-9/10", "3456789")]
    [InlineData("bytes=9-", 206, "bytes 9-9/10", "9")]
    [InlineData("bytes=2-4", 206, "bytes 2-4/10", "234")]
    [InlineData("bytes=8-100", 206, "bytes 8-9/10", "89")]
    [InlineData("bytes=-3", 206, "bytes 7-9/10", "789")]
    [InlineData("bytes=-100", 206, "bytes 0-9/10", "0123456789")]
    [InlineData("bytes=10-", 416, "bytes */10", "")]
    [InlineData("bytes=-0", 416, "bytes */10", "")]
    [InlineData("bytes=5-3", 200, null, "0123456789")]
    [InlineData("lines=1-2", 200, null, "0123456789")]
    public async Task A_range_is_cut_as_the_standard_says(string? range, int status, string? contentRange, string body)
    {
        var job = await Finished("0123456789");
        foreach (var path in (string[])[$"/logs/{job}/a/log", $"/query/log/{job}/a/log"])
        {
            using var answer = await running.Ask(path, range, token: running.Server.AdminToken);
            using var head = await running.Ask(path, range, HttpMethod.Head, running.Server.AdminToken);

            ((int)answer.StatusCode, ContentRange(answer), await answer.Content.ReadAsStringAsync()).ShouldBe((status, contentRange, body));
            ((int)head.StatusCode, ContentRange(head), await head.Content.ReadAsStringAsync()).ShouldBe((status, contentRange, ""));
            head.Content.Headers.ContentLength.ShouldBe(body.Length);
            if (status == 416)
                continue;
            answer.Content.Headers.ContentType!.ToString().ShouldBe(Plain);
            answer.Headers.AcceptRanges.ShouldBe(["bytes"]);
            answer.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        }
    }

    [Fact]
    public async Task An_empty_log_with_a_range_is_what_each_addresss_readers_expect()
    {
        var job = await Finished("");

        using var open = await running.Ask($"/logs/{job}/a/log", "bytes=0-");
        using var query = await running.Ask($"/query/log/{job}/a/log", "bytes=0-", token: running.Server.AdminToken);
        using var whole = await running.Ask($"/query/log/{job}/a/log", token: running.Server.AdminToken);

        (open.StatusCode, ContentRange(open)).ShouldBe((HttpStatusCode.RequestedRangeNotSatisfiable, "bytes */0"));
        (query.StatusCode, ContentRange(query), query.Content.Headers.ContentLength).ShouldBe((HttpStatusCode.PartialContent, "bytes 0-0/0", 0));
        (whole.StatusCode, whole.Content.Headers.ContentLength).ShouldBe((HttpStatusCode.OK, 0));
    }

    [Fact]
    public async Task Only_an_ended_log_may_be_kept_by_the_reader()
    {
        var job = await running.Submit();
        var build = await running.Server.Executor!.Build(job);
        await build.Recorder.TaskStarted(0, default);
        using var growing = await running.Ask($"/logs/{job}/a/log");
        await build.Recorder.TaskEnded(0, BuildTaskStatus.Success, default);
        await build.RunTask(1, BuildTaskStatus.Success);
        build.End(new BuildOutcome.Succeeded());
        await running.Ended(job);
        using var ended = await running.Ask($"/logs/{job}/b/log");
        using var client = running.Server.CreateClient(null);
        client.DefaultRequestHeaders.IfNoneMatch.Add(ended.Headers.ETag!);
        using var again = await client.GetAsync(new Uri($"/logs/{job}/b/log", UriKind.Relative));

        (growing.Headers.CacheControl!.ToString(), growing.Headers.ETag).ShouldBe(("no-cache", null));
        ended.Headers.CacheControl!.ToString().ShouldBe("max-age=172800, private, immutable");
        again.StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Fact]
    public async Task A_private_jobs_log_does_not_exist_for_others()
    {
        var job = await running.Submit(Visibility.Private);
        var build = await running.Server.Executor!.Build(job);
        await build.Recorder.TaskStarted(0, default);
        var owner = await running.Server.CreateToken("mia", scopes: "jobs:read");
        var other = await running.Server.CreateToken("eve", scopes: "jobs:read");

        foreach (var path in (string[])[$"/logs/{job}/log", $"/logs/{job}/a/log"])
        {
            (await Status(path)).ShouldBe(404);
            (await Status(path, other)).ShouldBe(404);
            (await Status(path, owner)).ShouldBe(200);
            (await Status("/query" + path.Replace("/logs", "/log", StringComparison.Ordinal), other)).ShouldBe(404);
            (await Status("/query" + path.Replace("/logs", "/log", StringComparison.Ordinal), owner)).ShouldBe(200);
        }
    }

    [Fact]
    public async Task Refusals_have_the_shape_of_all_others()
    {
        var waiting = await running.Submit(execute: false);
        var admin = running.Server.AdminToken;

        await Refused("/logs/0/log", null, 404, "404 not found");
        await Refused("/logs/999999/log", null, 404, "404 not found");
        await Refused($"/logs/{waiting}/log", null, 404, "404 not found");
        await Refused($"/logs/{waiting}/a/log", null, 404, "404 not found");
        await Refused($"/logs/{waiting}/nobody/log", null, 404, "404 not found");
        await Refused($"/query/log/{waiting}/log", admin, 404, "404 not found");
        await Refused($"/query/log/{waiting}/log", null, 401, "No authorization supplied (expected an OAuth token)");
        using var bad = await running.Ask("/query/log/x1/log", token: admin);
        (await bad.Content.ReadAsStringAsync()).ShouldBe("""{"errors":[{"field":"id","reason":"'x1' is no job id: a whole number from 1 to 2147483647"}]}""");
        bad.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("POST", "/logs/1/log", 405, "405 method not allowed")]
    [InlineData("DELETE", "/query/log/1/a/log", 405, "405 method not allowed")]
    [InlineData("PUT", "/artifacts/~mia/1/0000000000000000/a", 405, "405 method not allowed")]
    [InlineData("GET", "/logs/1/a/b/log", 404, "404 not found")]
    [InlineData("GET", "/artifacts/~mia/1", 404, "404 not found")]
    public async Task What_the_framework_refuses_looks_like_any_refusal(string method, string path, int status, string reason)
    {
        using var answer = await running.Ask(path, method: new HttpMethod(method), token: running.Server.AdminToken);

        ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync()).ShouldBe((status, $$"""{"errors":[{"reason":"{{reason}}"}]}"""));
    }

    [Theory]
    [InlineData("follow=perhaps", "follow", "follow must be true or false, not 'perhaps'")]
    [InlineData("follow=true&offset=-1", "offset", "offset must be a whole number of bytes from 0 on, not '-1'")]
    [InlineData("follow=true&offset=9999999999999999999", "offset", "offset must be a whole number of bytes from 0 on, not '9999999999999999999'")]
    public async Task A_wrong_wish_is_refused_with_the_reason(string query, string field, string reason)
    {
        foreach (var path in (string[])["/logs/1/log", "/query/log/1/a/log"])
        {
            using var answer = await running.Ask($"{path}?{query}", token: running.Server.AdminToken);
            ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync()).ShouldBe((400, $$"""{"errors":[{"field":"{{field}}","reason":"{{reason}}"}]}"""));
        }
    }

    [Fact]
    public async Task A_job_cancelled_before_it_began_has_an_empty_log()
    {
        var job = await running.Submit(execute: false);
        await running.Server.Grains.GetGrain<IJobGrain>(job.Value).Cancel();

        using var answer = await running.Ask($"/query/log/{job}/log", "bytes=0-", token: running.Server.AdminToken);

        ContentRange(answer).ShouldBe("bytes 0-0/0");
        (await Text($"/logs/{job}/log")).ShouldBe("");
        (await Status($"/logs/{job}/a/log")).ShouldBe(404);
    }

    [Fact]
    public async Task What_a_reader_saw_stays_at_its_place_when_the_job_runs_again()
    {
        var job = await running.Submit();
        var first = await running.Server.Executor!.Build(job);
        await first.Recorder.TaskStarted(0, default);
        await first.Recorder.TaskOutput("one, torn"u8.ToArray(), default);
        await running.Visible(job, "a", 9);
        var seen = await Text($"/logs/{job}/a/log");

        await running.Server.Grains.GetGrain<IJobGrain>(job.Value).WorkerLost(1, "the test says so");
        var between = await Text($"/logs/{job}/a/log");
        var second = await running.Server.Executor.Build(job, attempt: 2);
        second.End(await second.RunAllTasks());
        await running.Ended(job);

        seen.ShouldBe("one, torn");
        between.ShouldBe("one, torn");
        (await Text($"/logs/{job}/a/log")).ShouldBe($"one, torn\n[#{job}] Attempt 1 ends here: the test says so. Attempt 2 follows.\na\n");
        (await Text($"/logs/{job}/b/log")).ShouldBe("b\n");
        (await Text($"/logs/{job}/log")).ShouldStartWith($"[#{job}] ");
    }

    private async Task<JobId> Finished(string output)
    {
        var job = await running.Submit();
        var build = await running.Server.Executor!.Build(job);
        await build.Recorder.TaskStarted(0, default);
        await build.Recorder.TaskOutput(System.Text.Encoding.UTF8.GetBytes(output), default);
        await build.Recorder.TaskEnded(0, BuildTaskStatus.Failed, default);
        build.End(new BuildOutcome.Failed(FailReason.Task, null));
        await running.Ended(job);
        return job;
    }

    private async Task<string> Text(string path, string? token = null)
    {
        using var answer = await running.Ask(path, token: token);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, path);
        return await answer.Content.ReadAsStringAsync();
    }

    private async Task<int> Status(string path, string? token = null)
    {
        using var answer = await running.Ask(path, token: token);
        return (int)answer.StatusCode;
    }

    private async Task Refused(string path, string? token, int status, string reason)
    {
        using var answer = await running.Ask(path, token: token);
        ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync()).ShouldBe((status, $$"""{"errors":[{"reason":"{{reason}}"}]}"""), path);
    }

    // As it was sent: "bytes 0-0/0" is not to .NET's taste.
    private static string? ContentRange(HttpResponseMessage answer) =>
        answer.Content.Headers.NonValidated.TryGetValues("Content-Range", out var values) ? values.ToString() : null;
}
