using System.Diagnostics;
using System.Net;
using System.Text;
using Builds.Jobs;
using Builds.Triggers;
using NSec.Cryptography;

namespace Builds.Tests.Triggers;

/// <summary>Webhooks (contract/manifest section 8), from a real server to real sockets.</summary>
public sealed class WebhookTests(TriggerServer triggers) : IClassFixture<TriggerServer>
{
    [Fact]
    public async Task It_tells_what_the_contract_says_and_nothing_else()
    {
        await using var target = new Target();

        var job = await triggers.Ended("[{a: 'true'}, {b: 'true'}]", $"{{action: webhook, condition: success, url: '{target.Url}?a=b c'}}");

        var request = target.Requests.ShouldHaveSingleItem();
        var origin = triggers.Server.Address.ToString().TrimEnd('/');
        request.Text.ShouldBe($$$"""
            {"id":{{{job.Id}}},"status":"success","setup_log":"{{{origin}}}/logs/{{{job.Id}}}/log","tasks":[{"name":"a","status":"success","log":"{{{origin}}}/logs/{{{job.Id}}}/a/log"},{"name":"b","status":"success","log":"{{{origin}}}/logs/{{{job.Id}}}/b/log"}],"note":"a *note*\nof two lines","runner":"{{{job.Worker}}}","owner":{"canonical_name":"~mia","name":"mia"}}
            """);
        request.Line.ShouldBe("POST /hook?a=b%20c HTTP/1.1");
        request.Headers["Content-Type"].ShouldBe("application/json");
        request.Headers["X-Payload-Nonce"].ShouldMatch("^[0-9a-f]{16}$");
        request.Headers.Keys.Order(StringComparer.Ordinal).ShouldBe(["Content-Length", "Content-Type", "Host", "User-Agent", "X-Payload-Nonce", "X-Payload-Signature"]);
        job.Triggers.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            trigger => trigger.Status.ShouldBe(TriggerStatus.Delivered), trigger => trigger.HttpStatus.ShouldBe(200), trigger => trigger.Error.ShouldBeNull());
    }

    [Fact]
    public async Task Without_tasks_the_contract_has_null()
    {
        await using var target = new Target();

        await triggers.Ended("[]", $"{{action: webhook, condition: always, url: '{target.Url}'}}");

        target.Requests.ShouldHaveSingleItem().Text.ShouldContain("\"tasks\":null,");
    }

    [Fact]
    public async Task Of_a_group_it_tells_how_its_members_ended()
    {
        await using var target = new Target();
        var members = new[] { await triggers.Ended("[{a: 'true'}]"), await triggers.Ended("[]") };
        using var sender = new WebhookSender(triggers.Server.Grains, triggers.Server.Service<PublicOrigin>(), triggers.Server.Service<GuardedConnections>());

        (await sender.Send(Order(target.Url, members), CancellationToken.None)).ShouldBe(new TriggerOutcome.Delivered(200));

        target.Requests.ShouldHaveSingleItem().Text.ShouldBe($$$"""
            {"id":1,"status":"success","note":null,"owner":{"canonical_name":"~mia","name":"mia"},"jobs":[{"id":{{{members[0].Id}}},"status":"success"},{"id":{{{members[1].Id}}},"status":"success"}]}
            """);
    }

    [Fact]
    public async Task The_signature_holds_by_the_public_key_and_for_no_other_bytes()
    {
        await using var target = new Target();
        await triggers.Hook(target.Url);
        using var anybody = triggers.Server.CreateClient(null);
        var key = PublicKey.Import(SignatureAlgorithm.Ed25519, Convert.FromBase64String((await anybody.Get("/api/webhook-key"))["public_key"].GetString()!), KeyBlobFormat.RawPublicKey);

        var request = target.Requests.ShouldHaveSingleItem();
        byte[] signed = [.. request.Body, .. Encoding.ASCII.GetBytes(request.Headers["X-Payload-Nonce"])];
        var signature = Convert.FromBase64String(request.Headers["X-Payload-Signature"]);

        SignatureAlgorithm.Ed25519.Verify(key, signed, signature).ShouldBeTrue();
        signed[3] ^= 1;
        SignatureAlgorithm.Ed25519.Verify(key, signed, signature).ShouldBeFalse();
    }

    /// <summary>As the page for callers says it.</summary>
    [Fact]
    public async Task The_commands_of_the_page_for_callers_check_a_signature()
    {
        await using var target = new Target();
        await triggers.Hook(target.Url);
        var request = target.Requests.ShouldHaveSingleItem();
        var page = await File.ReadAllTextAsync(Repository.PathOf("Api/README.md"));
        var commands = page.Split("```bash\n")[1].Split("```")[0];
        using var folder = new TempFolder();
        await File.WriteAllBytesAsync(Path.Combine(folder.Path, "body"), request.Body);
        var script = $"set -e\nBUILDS={triggers.Server.Address.ToString().TrimEnd('/')}\nNONCE={request.Headers["X-Payload-Nonce"]}\nSIGNATURE={request.Headers["X-Payload-Signature"]}\n{commands}";

        (await Shell(script, folder.Path)).ShouldBe((0, "Signature Verified Successfully\n"));
        await File.AppendAllTextAsync(Path.Combine(folder.Path, "body"), " ");
        (await Shell(script, folder.Path)).Status.ShouldNotBe(0);
    }

    [Fact]
    public async Task A_try_that_is_repeated_has_the_same_body_nonce_and_signature()
    {
        await using var target = new Target(Target.With("no HTTP at all\r\n\r\n"));

        var trigger = await triggers.Hook(target.Url);

        (trigger.Status, trigger.Attempts, trigger.Error).ShouldBe((TriggerStatus.Failed, 2, "its answer is not HTTP"));
        var requests = target.Requests.ToArray();
        requests.Length.ShouldBe(2);
        requests.Select(request => (request.Text, request.Headers["X-Payload-Nonce"], request.Headers["X-Payload-Signature"])).Distinct().ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("204 No Content", 204)]
    [InlineData("404 Not Found", 404)]
    [InlineData("503 Busy", 503)]
    public async Task Any_status_counts_as_delivered(string answer, int status)
    {
        await using var target = new Target(Target.With($"HTTP/1.1 {answer}\r\n\r\n"));

        var trigger = await triggers.Hook(target.Url);

        (trigger.Status, trigger.Attempts, trigger.HttpStatus, trigger.Error).ShouldBe((TriggerStatus.Delivered, 1, status, null));
    }

    [Theory]
    [InlineData("301 Moved Permanently", 301)]
    [InlineData("307 Temporary Redirect", 307)]
    [InlineData("308 Permanent Redirect", 308)]
    public async Task Redirects_lead_nowhere_and_the_owner_is_told(string answer, int status)
    {
        await using var inner = new Target(address: IPAddress.Parse("127.0.0.2"));
        await using var target = new Target(Target.With($"HTTP/1.1 {answer}\r\nLocation: {inner.Url}\r\nContent-Length: 0\r\n\r\n"));

        var trigger = await triggers.Hook(target.Url);

        (trigger.Status, trigger.HttpStatus, trigger.Error).ShouldBe((TriggerStatus.Delivered, status, "answered with a redirect, which is not followed: give the address that it leads to"));
        inner.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task An_answer_without_end_is_not_read()
    {
        await using var target = new Target(Target.Endless("HTTP/1.1 200 OK\r\n\r\n", new string('x', 65536), TimeSpan.Zero));

        (await triggers.Hook(target.Url)).Status.ShouldBe(TriggerStatus.Delivered);
    }

    [Theory]
    [InlineData("silence")]
    [InlineData("slow")]
    [InlineData("early answers")]
    public async Task Who_does_not_come_to_an_end_is_left_when_his_time_is_over(string how)
    {
        await using var target = new Target(how switch
        {
            "silence" => Target.Silence,
            "slow" => Target.Endless("HTTP/1.1 200 OK\r\nX: ", "x", TimeSpan.FromMilliseconds(20)),
            _ => Target.Endless("", "HTTP/1.1 100 Continue\r\n\r\n", TimeSpan.FromMilliseconds(20)),
        });
        using var sender = new WebhookSender(triggers.Server.Grains, triggers.Server.Service<PublicOrigin>(), triggers.Server.Service<GuardedConnections>());
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));

        await Should.ThrowAsync<OperationCanceledException>(() => sender.Send(Order(target.Url), limit.Token));
    }

    [Theory]
    [InlineData("headers", "its answer has more headers than are read")]
    [InlineData("nothing", "the connection broke before an answer came")]
    public async Task Who_answers_badly_is_tried_again_and_his_owner_is_told(string how, string error)
    {
        await using var target = new Target(how == "nothing" ? Target.With("") : Target.Endless("HTTP/1.1 200 OK\r\n", $"X-Y: {new string('x', 5000)}\r\n", TimeSpan.FromMilliseconds(1)));

        var trigger = await triggers.Hook(target.Url);

        (trigger.Status, trigger.Attempts, trigger.Error).ShouldBe((TriggerStatus.Failed, 2, error));
    }

    [Fact]
    public async Task Where_nobody_listens_the_owner_is_told()
    {
        string url;
        await using (var gone = new Target())
            url = gone.Url;

        (await triggers.Hook(url)).Error.ShouldBe("no connection: refused");
        (await triggers.Hook("http://nowhere.test/")).Error.ShouldBe("its name is not known");
        (await triggers.Hook(url.Replace("http:", "https:", StringComparison.Ordinal))).Error.ShouldBe("no connection: refused");
    }

    [Theory]
    [InlineData("http://127.0.0.2:{0}/")]
    [InlineData("http://2130706434:{0}/")]
    [InlineData("http://0x7f.2:{0}/")]
    [InlineData("http://[::ffff:127.0.0.2]:{0}/")]
    [InlineData("http://[64:ff9b::7f00:2]:{0}/")]
    [InlineData("http://inside.test:{0}/")]
    [InlineData("http://INSIDE.test.:{0}/")]
    [InlineData("http://metadata.test/")]
    [InlineData("https://inside.test:{0}/")]
    public async Task Nothing_goes_to_addresses_that_are_kept_and_they_are_not_tried_again(string url)
    {
        await using var inner = new Target(address: IPAddress.Parse("127.0.0.2"));
        triggers.Names.Add("inside.test", ["127.0.0.2"]);
        triggers.Names.Add("inside.test.", ["127.0.0.2"]);
        triggers.Names.Add("metadata.test", ["169.254.169.254", "fd00:ec2::254"]);

        var trigger = await triggers.Hook(string.Format(url, inner.Port));

        (trigger.Status, trigger.Attempts).ShouldBe((TriggerStatus.Failed, 1));
        trigger.Error.ShouldStartWith("webhooks may not go there: its address is ");
        trigger.Error.ShouldEndWith("; an operator can allow it (Builds:Triggers:AllowedAddresses)");
        inner.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task A_name_is_looked_up_once_and_the_address_that_was_looked_at_is_the_one_connected_to()
    {
        await using var inner = new Target(address: IPAddress.Parse("127.0.0.2"));
        await using var target = new Target();
        triggers.Names.Add("rebinds.test", ["127.0.0.1"], ["127.0.0.2"]);
        triggers.Names.Add("both.test", ["127.0.0.2", "10.0.0.1", "127.0.0.1"]);

        (await triggers.Hook($"http://rebinds.test:{target.Port}/")).Status.ShouldBe(TriggerStatus.Delivered);
        (await triggers.Hook($"http://both.test:{target.Port}/")).Status.ShouldBe(TriggerStatus.Delivered);
        (await triggers.Hook($"http://rebinds.test:{inner.Port}/")).Status.ShouldBe(TriggerStatus.Failed);

        triggers.Names.Asked.Count(name => name == "rebinds.test").ShouldBe(2);
        (target.Requests.Count, inner.Connections).ShouldBe((2, 0));
        target.Requests.First().Headers["Host"].ShouldBe($"rebinds.test:{target.Port}");
    }

    [Theory]
    [InlineData("ftp://example.org/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("/hook")]
    [InlineData("gopher://127.0.0.1:25/_HELO")]
    [InlineData("http://")]
    public async Task What_is_no_address_of_the_web_fails_at_once(string url)
    {
        var trigger = await triggers.Hook(url);

        (trigger.Status, trigger.Attempts, trigger.Error).ShouldBe((TriggerStatus.Failed, 1, "its url is no http or https address with a host"));
    }

    [Fact]
    public async Task A_login_in_the_address_is_used_and_no_error_repeats_it()
    {
        await using var target = new Target();

        (await triggers.Hook($"http://mia:s%3Acret@127.0.0.1:{target.Port}/")).Status.ShouldBe(TriggerStatus.Delivered);
        var refused = await triggers.Hook($"http://mia:s%3Acret@127.0.0.2:{target.Port}/?token=hidden");

        target.Requests.ShouldHaveSingleItem().Headers["Authorization"].ShouldBe("Basic " + Convert.ToBase64String("mia:s:cret"u8));
        refused.Error!.ShouldNotContain("cret");
        refused.Error!.ShouldNotContain("hidden");
    }

    [Fact]
    public async Task The_answer_about_a_job_says_what_became_of_its_triggers()
    {
        await using var target = new Target(Target.With("HTTP/1.1 500 Oh\r\n\r\n"));
        var job = await triggers.Ended("[{a: 'true'}]", "{action: webhook, condition: failure, url: 'http://x.test/'}", $"{{action: webhook, condition: always, url: '{target.Url}'}}");

        var answer = await triggers.Server.Client.Get($"/api/jobs/{job.Id}");

        answer.Body.ShouldEndWith($$$""","waiting":null,"triggers":[{"number":2,"action":"webhook","condition":"always","state":"delivered","attempts":1,"http_status":500,"error":null,"at":"{{{ApiTime.Text(job.Triggers[0].At!.Value)}}}"}],"sources":[]}""");
    }

    private static TriggerOrder Order(string url, params JobSnapshot[] members) => new(
        new TriggerSource(TriggerSourceKind.Group, 1), new TriggerDelivery { Number = 1, Action = "webhook", Condition = "always" },
        new Builds.Manifests.Trigger("webhook", "always", [KeyValuePair.Create("url", url)]),
        new TriggerSubject.OfGroup(new JobGroupEnd(new JobGroup(1, "mia", null, [], []), true, Some.Time, []), [.. members]));

    private static async Task<(int Status, string Output)> Shell(string script, string folder)
    {
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", script]) { UseShellExecute = false, WorkingDirectory = folder, RedirectStandardOutput = true })!;
        var output = await shell.StandardOutput.ReadToEndAsync();
        await shell.WaitForExitAsync();
        return (shell.ExitCode, output);
    }
}
