using Builds.Jobs;
using Builds.Manifests;
using Builds.Triggers;
using CsCheck;

namespace Builds.Tests.Triggers;

public sealed class TriggerRulesTests
{
    private static readonly TriggerOptions Rules = new();
    private static readonly TriggerSource Source = new(TriggerSourceKind.Job, 7);

    [Theory]
    [InlineData("success", true, true)]
    [InlineData("success", false, false)]
    [InlineData("failure", true, false)]
    [InlineData("failure", false, true)]
    [InlineData("always", true, true)]
    [InlineData("always", false, true)]
    [InlineData("sometimes", true, false)]
    [InlineData("Always", true, false)]
    [InlineData("", false, false)]
    [InlineData(null, true, false)]
    public void A_trigger_fires_by_its_condition_and_never_by_one_that_is_unknown(string? condition, bool success, bool fires) =>
        TriggerRules.Fires(condition, success).ShouldBe(fires);

    [Theory]
    [InlineData(FailReason.Task)]
    [InlineData(FailReason.Timeout)]
    [InlineData(FailReason.Cancelled)]
    [InlineData(FailReason.WorkerLost)]
    public void A_job_that_failed_for_whatever_reason_fires_what_waits_for_a_failure(FailReason reason)
    {
        var job = TriggerRules.Fire(Ended(JobStatus.Failed) with { Reason = reason }, Some.Time);

        job.Triggers.Select(trigger => (trigger.Number, trigger.Action, trigger.Condition)).ShouldBe([(2, "webhook", "failure"), (3, "webhook", "always")]);
        job.Triggers.ShouldAllBe(trigger => trigger.Status == TriggerStatus.Pending && trigger.Next == Some.Time && trigger.Attempts == 0);
        job.TriggersDue.ShouldBe(Some.Time);
    }

    [Fact]
    public void A_job_fires_in_the_commit_that_ends_it_and_not_again()
    {
        var queued = JobDecisions.Submit(new JobId(7), Some.Submission(manifest: Ended(JobStatus.Queued).Manifest), "host", ["a"], Some.Time);
        queued.TriggersDue.ShouldBeNull();

        var ended = JobDecisions.Cancel(queued, Some.Time.AddMinutes(1));

        ended.Triggers.Select(trigger => trigger.Number).ShouldBe([2, 3]);
        ended.TriggersDue.ShouldBe(Some.Time.AddMinutes(1));
        JobDecisions.Cancel(ended, Some.Time.AddMinutes(2)).ShouldBeSameAs(ended);
    }

    [Fact]
    public void A_job_without_triggers_has_nothing_to_announce_and_a_member_has_its_end()
    {
        var job = Ended(JobStatus.Success) with { Manifest = Some.Manifest };

        TriggerRules.Fire(job, Some.Time).TriggersDue.ShouldBeNull();
        var member = TriggerRules.Fire(job with { Group = 3 }, Some.Time);
        (member.TellGroup, member.TriggersDue).ShouldBe((true, Some.Time));
        var told = TriggerRules.Told(member, Some.Time);
        (told.TellGroup, told.TriggersDue).ShouldBe((false, null));
        TriggerRules.Told(told, Some.Time).ShouldBeSameAs(told);
    }

    [Fact]
    public void Of_very_many_triggers_the_first_ones_fire_and_the_others_say_why_not()
    {
        var deliveries = TriggerRules.Firing([.. Enumerable.Range(1, 40).Select(_ => new Trigger("webhook", "always", []))], success: true, Some.Time);

        deliveries.Count(delivery => delivery.Status == TriggerStatus.Pending).ShouldBe(TriggerRules.Most);
        deliveries[TriggerRules.Most].ShouldSatisfyAllConditions(
            rest => rest.Status.ShouldBe(TriggerStatus.Failed), rest => rest.Error.ShouldBe("at most 32 triggers fire for one end"), rest => rest.Next.ShouldBeNull());
    }

    [Fact]
    public void What_gets_no_answer_is_tried_for_about_five_hours_at_growing_intervals()
    {
        var (now, delivery) = (Some.Time, new TriggerDelivery { Number = 1, Action = "webhook", Condition = "always", Next = Some.Time });
        var pauses = new List<double>();
        while (delivery.Status == TriggerStatus.Pending)
        {
            var report = TriggerRules.After(Source, delivery, new TriggerOutcome.Failed("no answer"), Rules, now);
            delivery = TriggerRules.Tried([delivery], report, now).Single();
            if (delivery.Next is not { } next)
                break;
            pauses.Add((next - now).TotalSeconds);
            now = next;
        }

        (delivery.Status, delivery.Attempts, delivery.Error, delivery.At).ShouldBe((TriggerStatus.Failed, 8, "no answer", now));
        double[] plain = [10, 40, 160, 640, 2560, 7200, 7200];
        pauses.Count.ShouldBe(plain.Length);
        pauses.Zip(plain).ShouldAllBe(pair => pair.First >= 0.8 * pair.Second - 0.001 && pair.First <= 1.2 * pair.Second + 0.001);
    }

    [Fact]
    public void What_failed_together_does_not_come_again_together()
    {
        var delivery = new TriggerDelivery { Number = 1, Action = "webhook", Condition = "always" };

        var next = Enumerable.Range(1, 100)
            .Select(id => TriggerRules.After(new TriggerSource(TriggerSourceKind.Job, id), delivery, new TriggerOutcome.Failed(""), Rules, Some.Time).Next!.Value).ToList();

        next.Distinct().Count().ShouldBeGreaterThan(60);
    }

    [Fact]
    public void A_try_that_cannot_help_is_the_last_one()
    {
        var delivery = new TriggerDelivery { Number = 1, Action = "webhook", Condition = "always" };

        var report = TriggerRules.After(Source, delivery, new TriggerOutcome.Failed("not there", IsFinal: true), Rules, Some.Time);

        report.ShouldBe(new TriggerReport(1, 1, TriggerStatus.Failed, null, "not there", null));
    }

    /// <summary>Reports come twice, late, of two outboxes at once and about nothing.</summary>
    [Fact]
    public void Whatever_is_reported_a_result_stays_and_what_is_due_is_what_is_pending()
    {
        var reports = Gen.Select(Gen.Int[0, 4], Gen.Int[1, 5], Gen.Enum<TriggerStatus>(), Gen.Int[0, 100], (number, attempt, status, minute) =>
            new TriggerReport(number, attempt, status, null, null, status == TriggerStatus.Pending ? Some.Time.AddMinutes(minute) : null)).Array[0, 30];

        reports.Sample(
            all =>
            {
                var job = TriggerRules.Fire(Ended(JobStatus.Failed), Some.Time);
                foreach (var report in all)
                {
                    var next = TriggerRules.Tried(job, report, Some.Time.AddSeconds(1));
                    foreach (var (before, after) in job.Triggers.Zip(next.Triggers))
                    {
                        if (before.Status != TriggerStatus.Pending)
                            after.ShouldBe(before);
                        after.Attempts.ShouldBeGreaterThanOrEqualTo(before.Attempts);
                        (after.Next is not null).ShouldBe(after.Status == TriggerStatus.Pending);
                    }

                    TriggerRules.Tried(next, report with { Status = report.Status == TriggerStatus.Delivered ? TriggerStatus.Failed : report.Status }, Some.Time.AddSeconds(2)).ShouldBeSameAs(next);
                    next.TriggersDue.ShouldBe(next.Triggers.Min(trigger => trigger.Next));
                    next.Status.ShouldBe(JobStatus.Failed);
                    job = next;
                }
            },
            iter: 300);
    }

    private static JobState Ended(JobStatus status) => new()
    {
        Id = new JobId(7),
        Owner = "mia",
        Status = status,
        Manifest = """
            image: host
            triggers:
            - {action: email, condition: success, to: a@example.org}
            - {action: webhook, condition: failure, url: "https://example.org/"}
            - {action: webhook, condition: always, url: "https://example.org/"}
            - {action: webhook, condition: at times, url: "https://example.org/"}
            tasks: [{a: 'true'}]
            """,
    };
}
