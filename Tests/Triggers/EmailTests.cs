using Builds.Jobs;
using Builds.Triggers;
using Builds.Workers;
using Microsoft.Extensions.Options;
using MimeKit;
using SmtpServer.Protocol;

namespace Builds.Tests.Triggers;

/// <summary>E-mails (contract/manifest section 8), from a real server to a real mail server.</summary>
public sealed class EmailTests(TriggerServer triggers) : IClassFixture<TriggerServer>
{
    [Fact]
    public async Task It_says_what_the_contract_says()
    {
        var job = await triggers.Ended(
            "[{a: 'true'}, {_hidden: 'true'}, {b: 'true'}]",
            "{action: email, condition: success, to: 'Mia <mia@example.org>, noa@example.org', cc: 'zoe@example.org', in_reply_to: '<first@example.org>'}");

        var mail = Mails().Where(mail => mail.To.Contains("mia@example.org")).ShouldHaveSingleItem();
        mail.From.ShouldBe("builds@example.org");
        mail.To.ShouldBe(["mia@example.org", "noa@example.org", "zoe@example.org"]);
        var message = mail.Message;
        (message.From.ToString(), message.To.ToString(), message.Cc.ToString()).ShouldBe(("\"Builds\" <builds@example.org>", "\"Mia\" <mia@example.org>, noa@example.org", "zoe@example.org"));
        (message.Subject, message.InReplyTo, message.Date).ShouldBe(("[ci/main] build success", "first@example.org", new DateTimeOffset(job.Finished!.Value.Ticks / 10_000_000 * 10_000_000, TimeSpan.Zero)));
        message.TextBody!.ReplaceLineEndings("\n").ShouldMatch($"""
            ^ci/main #{job.Id}: SUCCESS in [0-9.]+s

            a \*note\*
            of two lines

            {triggers.Server.Address}~mia/job/{job.Id}

            ✓ a  ✓ b
            ?$
            """.ReplaceLineEndings("\n"));
        message.Body!.ContentType.MimeType.ShouldBe("text/plain");
        job.Triggers.ShouldHaveSingleItem().ShouldSatisfyAllConditions(trigger => trigger.Status.ShouldBe(TriggerStatus.Delivered), trigger => trigger.HttpStatus.ShouldBeNull());
    }

    [Fact]
    public async Task What_the_mail_server_cannot_take_now_is_sent_again_as_the_same_mail()
    {
        triggers.Mail.Answers.Enqueue(new SmtpResponse((SmtpReplyCode)451, "later"));

        var trigger = (await triggers.Ended("[{a: 'true'}]", "{action: email, condition: always, to: again@example.org}")).Triggers.Single();

        (trigger.Status, trigger.Attempts, trigger.Error).ShouldBe((TriggerStatus.Delivered, 2, null));
        Mails().Count(mail => mail.To.Contains("again@example.org")).ShouldBe(1);
    }

    [Fact]
    public async Task What_it_refuses_is_not_sent_again()
    {
        triggers.Mail.Answers.Enqueue(new SmtpResponse((SmtpReplyCode)554, "we read your mail and do not like it"));

        var mail = (await triggers.Ended("[{a: 'true'}]", "{action: email, condition: always, to: once@example.org}")).Triggers.Single();
        var recipient = (await triggers.Ended("[{a: 'true'}]", "{action: email, condition: always, to: nobody@example.org}")).Triggers.Single();

        (mail.Status, mail.Attempts, mail.Error).ShouldBe((TriggerStatus.Failed, 1, "the mail server does not take it (554)"));
        (recipient.Status, recipient.Attempts, recipient.Error).ShouldBe((TriggerStatus.Failed, 1, "the mail server does not take it for one of its recipients (550)"));
    }

    [Theory]
    [InlineData("cc: a@example.org", "it has no 'to'")]
    [InlineData("to: nobody at all", "its 'to' is no list of mail addresses")]
    [InlineData("to: \"a@example.org\\r\\nBcc: everybody@example.org\"", "its 'to' is no list of mail addresses")]
    [InlineData("to: \"a@example.org>\\r\\nRCPT TO:<b@example.org\"", "its 'to' is no list of mail addresses")]
    [InlineData("to: a@example.org, cc: \"b@example.org\\nX: y\"", "its 'cc' is no list of mail addresses")]
    [InlineData("to: 'a@x.org,b@x.org,c@x.org', cc: 'd@x.org,e@x.org'", "it has 5 recipients, and may have 4")]
    [InlineData("to: 'all: a@x.org,b@x.org,c@x.org,d@x.org,e@x.org;'", "it has 5 recipients, and may have 4")]
    [InlineData("to: a@example.org, in_reply_to: '<>'", "its in_reply_to is no message id")]
    public async Task What_is_no_mail_fails_at_once_and_nothing_is_smuggled_in(string settings, string error)
    {
        var before = Mails().Count;

        var trigger = (await triggers.Ended("[{a: 'true'}]", $"{{action: email, condition: always, {settings}}}")).Triggers.Single();

        (trigger.Status, trigger.Attempts, trigger.Error).ShouldBe((TriggerStatus.Failed, 1, error));
        Mails().Count.ShouldBe(before);
    }

    [Fact]
    public async Task A_name_in_an_address_and_a_reply_add_no_header()
    {
        await triggers.Ended("[{a: 'true'}]", "{action: email, condition: always, to: '\"=?utf-8?q?x=0d=0aBcc:_evil@example.org?=\" <named@example.org>', in_reply_to: \"<a@b>\\r\\nBcc: evil@example.org\"}");

        var mail = Mails().Single(mail => mail.To.Contains("named@example.org"));
        mail.To.ShouldBe(["named@example.org"]);
        mail.Message.Headers.Select(header => header.Id).ShouldNotContain(HeaderId.Bcc);
        mail.Message.InReplyTo.ShouldBe("a@b");
    }

    [Fact]
    public async Task A_mail_server_that_is_dead_or_silent_is_tried_again_and_the_owner_is_told()
    {
        await using var silent = new Target(Target.Silence);
        int gone;
        await using (var target = new Target())
            gone = target.Port;

        (await Send(silent.Port)).ShouldBe(null, "the limit of time is the token's");
        (await Send(gone)).ShouldBe(new TriggerOutcome.Failed("no connection to the mail server"));
    }

    [Fact]
    public async Task Without_a_mail_server_the_setting_is_named()
    {
        var sender = new EmailSender(triggers.Server.Grains, (_, _) => "", Options.Create(new SmtpOptions()));

        (await sender.Send(Order(), CancellationToken.None)).ShouldBe(new TriggerOutcome.Failed("this service has no mail server: an operator has to set Builds:Triggers:Smtp:Host", IsFinal: true));
    }

    [Theory]
    [InlineData("mail", null, null, null, "Builds:Triggers:Smtp:From is ''")]
    [InlineData("mail", "nobody", null, null, "Builds:Triggers:Smtp:From is 'nobody'")]
    [InlineData("mail", "a@b", "mia", null, "Builds:Triggers:Smtp:User is given, and no Password")]
    public void Settings_that_send_nothing_are_refused(string host, string? from, string? user, string? password, string refusal)
    {
        var options = new SmtpOptions { Host = host, From = from, User = user, Password = password };

        options.Validate(new(options)).ShouldHaveSingleItem().ErrorMessage!.ShouldStartWith(refusal);
    }

    [Fact]
    public void A_job_that_failed_shows_which_task_did_and_a_group_its_members()
    {
        var job = new JobSnapshot
        {
            Id = new JobId(7),
            Owner = "mia",
            Status = JobStatus.Failed,
            Reason = FailReason.Task,
            Tasks = [new("a", BuildTaskStatus.Success), new("b", BuildTaskStatus.Failed), new("c", BuildTaskStatus.Pending)],
            Manifest = "",
            Image = "host",
            Tags = ["x\r\nBcc: y"],
            Visibility = Visibility.Public,
            Created = Some.Time,
            Updated = Some.Time,
            Started = Some.Time,
            Finished = Some.Time.AddSeconds(3723),
        };
        var group = new JobGroupEnd(new JobGroup(4, "mia", "both", [job.Id], []), false, Some.Time, []);
        JobAddress address = (owner, id) => $"http://b.example/~{owner}/job/{id}";

        EmailText.Subject(new TriggerSubject.OfJob(job)).ShouldBe("[x  Bcc: y] build failed");
        EmailText.Body(new TriggerSubject.OfJob(job with { Tags = [] }), address).ShouldBe("Job #7: FAILED in 1h2m3s\n\nhttp://b.example/~mia/job/7\n\n✓ a  ✗ b  - c\n");
        EmailText.Subject(new TriggerSubject.OfGroup(group, [job])).ShouldBe("[builds] build group failed");
        EmailText.Body(new TriggerSubject.OfGroup(group, [job with { Tags = ["ci"] }]), address).ShouldBe("Group #4: FAILED\n\nboth\n\n✗ ci #7: http://b.example/~mia/job/7\n");
    }

    private List<MailBox.Mail> Mails() => [.. triggers.Mail.Received.Where(mail => !mail.To.Contains("silent@example.org"))];

    /// <summary>Null: its time was over.</summary>
    private async Task<TriggerOutcome?> Send(int port)
    {
        var options = new SmtpOptions { Host = "127.0.0.1", Port = port, Tls = SmtpTls.None, From = "builds@example.org" };
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        try
        {
            return await new EmailSender(triggers.Server.Grains, (_, _) => "", Options.Create(options)).Send(Order(), limit.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private static TriggerOrder Order() => new(
        new TriggerSource(TriggerSourceKind.Group, 1), new TriggerDelivery { Number = 1, Action = "email", Condition = "always" },
        new Builds.Manifests.Trigger("email", "always", [KeyValuePair.Create("to", "silent@example.org")]),
        new TriggerSubject.OfGroup(new JobGroupEnd(new JobGroup(1, "mia", null, [], []), true, Some.Time, []), []));
}
