using Builds.Jobs;

namespace Builds.Tests.Jobs;

public sealed class JobTimelineTests
{
    [Fact]
    public void A_job_that_was_lost_and_ran_again_tells_its_whole_story()
    {
        var job = JobDecisions.Submit(new JobId(1), Some.Submission() with { Execute = false }, "host", ["a"], At(0));
        job = JobDecisions.Start(job, At(1));
        job = Claim(job, "north", 2);
        job = JobDecisions.WorkerLost(job, 1, "worker 'north' was silent for 6.1 s", 3, [], At(9));
        job = Claim(job, "south", 10);
        job = Report(job, new AttemptEnd.HandedBack(), 11);
        job = Claim(job, "west", 12);
        job = JobDecisions.Cancel(job, At(13));
        job = Report(job, new AttemptEnd.Failed(FailReason.Cancelled, null), 14);

        Lines(job).ShouldBe(
        [
            "0 submitted 0 -: waits until its owner starts it",
            "1 started 0 -",
            "1 queued 0 -",
            "2 claimed 1 north",
            "9 lost 1 north: worker 'north' was silent for 6.1 s",
            "9 requeued 1 -: attempt 1 was given up: worker 'north' was silent for 6.1 s",
            "10 claimed 2 south",
            "11 handed-back 2 south: its worker is leaving",
            "11 requeued 2 -: attempt 2 was given up: its worker is leaving",
            "12 claimed 3 west",
            "13 cancel-requested 3 -",
            "14 finished 3 west: failed (cancelled)",
        ]);
    }

    [Fact]
    public void A_success_is_told_with_the_worker_that_had_it()
    {
        var job = Report(Claim(Queued(), "north", 2), new AttemptEnd.Succeeded(), 3);

        Lines(job).ShouldBe(["0 submitted 0 -", "0 queued 0 -", "2 claimed 1 north", "3 finished 1 north: success"]);
    }

    [Fact]
    public void What_ends_a_job_that_waits_again_is_no_workers_doing()
    {
        var job = JobDecisions.WorkerLost(Claim(Queued(), "north", 2), 1, "gone", 3, [], At(9));

        Lines(JobDecisions.Cancel(job, At(10))).TakeLast(2).ShouldBe(["10 cancel-requested 1 -", "10 finished 1 -: failed (cancelled): cancelled before it ran"]);
    }

    [Fact]
    public void The_last_loss_is_told_twice_as_what_happened_and_as_what_came_of_it()
    {
        var job = JobDecisions.WorkerLost(Claim(Queued(), "north", 2), 1, "gone", 1, [], At(9));

        Lines(job).TakeLast(2).ShouldBe(["9 lost 1 north: gone", "9 finished 1 -: failed (worker-lost): lost its worker 1 times, the most allowed; the last time: gone"]);
    }

    [Fact]
    public void A_cancel_that_is_asked_for_again_and_reports_in_between_leave_no_entry()
    {
        var job = JobDecisions.Cancel(Claim(Queued(), "north", 2), At(3));

        Lines(Report(JobDecisions.Cancel(job, At(4)), end: null, 5)).ShouldBe(Lines(job));
    }

    [Fact]
    public void A_job_that_comes_back_for_ever_keeps_its_beginning_its_newest_entries_and_the_count_of_the_others()
    {
        const int Times = 1000;
        var job = Queued();
        for (var time = 1; time <= Times; time++)
            job = Report(Claim(job, "north", 2 * time), new AttemptEnd.HandedBack(), (2 * time) + 1);

        var all = 2 + (3 * Times);
        job.Timeline.Length.ShouldBe(JobTimeline.Most);
        job.Timeline.Single(entry => entry.Event == JobEventKind.Folded).ShouldSatisfyAllConditions(
            folded => folded.Folded.ShouldBe(all - (JobTimeline.Most - 1)),
            folded => job.Timeline.IndexOf(folded).ShouldBe(20),
            // 20 entries in: two to begin with, and six rounds of three.
            folded => folded.At.ShouldBe(At(14)));
        Lines(job)[..5].ShouldBe(["0 submitted 0 -", "0 queued 0 -", "2 claimed 1 north", "3 handed-back 1 north: its worker is leaving", "3 requeued 1 -: attempt 1 was given up: its worker is leaving"]);
        Lines(job)[^1].ShouldBe($"{(2 * Times) + 1} requeued {Times} -: attempt {Times} was given up: its worker is leaving");
        // 179 entries from the end: the last that is left out is a claim.
        var last = Times - 59;
        job.Timeline[21].ShouldBe(new JobEvent(At((2 * last) + 1), JobEventKind.HandedBack, last, "north", "its worker is leaving"));
        job.Timeline[20].Detail.ShouldBe($"{all - 199} entries up to {At(2 * last):yyyy-MM-dd HH:mm:ss} are left out");
    }

    [Fact]
    public void A_long_reason_is_cut()
    {
        var job = Report(Claim(Queued(), "north", 2), new AttemptEnd.Failed(FailReason.Setup, new string('x', 100_000)), 3);

        job.Timeline[^1].Detail!.Length.ShouldBe(501);
        job.Detail!.Length.ShouldBe(100_000);
    }

    [Fact]
    public void A_record_from_before_there_were_timelines_tells_what_its_times_say()
    {
        var job = JobDecisions.WorkerLost(Claim(Queued(), "north", 2), 1, "gone", 3, [], At(9)) with { Timeline = [] };
        Lines(job).ShouldBe(["0 submitted 0 -", "2 claimed 1 north", "9 requeued 1 -: attempt 1 was given up: gone"]);

        job = Report(Claim(job, "south", 10), new AttemptEnd.Succeeded(), 12) with { Timeline = [] };
        Lines(job).ShouldBe(["0 submitted 0 -", "9 requeued 1 -: attempt 1 was given up: gone", "10 claimed 2 south", "12 finished 2 south: success"]);

        Lines(Queued() with { Timeline = [] }).ShouldBe(["0 submitted 0 -", "0 queued 0 -"]);
        Lines(new JobState()).ShouldBeEmpty();
    }

    private static JobState Queued() => JobDecisions.Submit(new JobId(1), Some.Submission(), "host", ["a"], At(0));

    private static JobState Claim(JobState job, string worker, int seconds) =>
        JobDecisions.Claim(job, new JobClaim(worker, 1, $"d{seconds}"), At(seconds)).Job;

    private static JobState Report(JobState job, AttemptEnd? end, int seconds) => JobDecisions.Report(
        job, new AttemptReport { Attempt = job.Attempt, Sequence = seconds, Tasks = [BuildTaskStatus.Success], End = end }, [], At(seconds)).Job;

    private static DateTimeOffset At(int seconds) => Some.Time.AddSeconds(seconds);

    private static string[] Lines(JobState job) =>
    [
        .. job.ToSnapshot().Timeline.Select(entry =>
            $"{(entry.At - Some.Time).TotalSeconds} {entry.Event.Word()} {entry.Attempt} {entry.Worker ?? "-"}{(entry.Detail is null ? "" : ": " + entry.Detail)}"),
    ];
}
