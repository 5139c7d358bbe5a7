using Builds.Jobs;
using Builds.Queue;
using Builds.Workers;

namespace Builds.Tests.Queue;

/// <summary>One rule of the queue each; what they do together is <see cref="QueueSimulationTests"/>.</summary>
public sealed partial class QueueBookTests
{
    private static readonly JobId One = new(1);
    private readonly QueueBook book;
    private readonly FakeStanding standing = new();
    private TimeSpan now;
    private long sequence;

    public QueueBookTests()
    {
        var dispatches = 0;
        book = new QueueBook(new LeaseOptions(), new QueueOptions(), TimeSpan.FromMinutes(45), Time, standing, () => $"d{++dispatches}");
    }

    private QueueTime Time => new(now, Some.Time + now);

    [Fact]
    public void A_cancel_is_not_forgotten_when_an_older_hint_comes_after_it()
    {
        RunOne();

        book.Hint(Hint(JobStatus.Running, revision: 3, attempt: 1) with { CancelRequested = true }, Time);
        book.Hint(Hint(JobStatus.Running, revision: 2, attempt: 1), Time);

        Beat(new HeldJob(One, "d1", 1)).Stop.ShouldBe([new StopOrder(One, 1, StopReason.Cancelled)]);
    }

    [Fact]
    public void A_worker_that_builds_a_final_job_is_told_to_stop()
    {
        RunOne();

        book.Hint(Hint(JobStatus.Failed, revision: 3, attempt: 1), Time);

        Beat(new HeldJob(One, "d1", 1)).Stop.ShouldBe([new StopOrder(One, 1, StopReason.Stale)]);
    }

    [Fact]
    public void The_end_of_a_job_that_is_known_to_be_final_costs_no_reading()
    {
        RunOne();
        book.Hint(Hint(JobStatus.Success, revision: 3, attempt: 1), Time);

        Beat();

        book.TakeEffects().ShouldBeEmpty();
    }

    [Fact]
    public void A_job_that_runs_where_nobody_shows_it_is_looked_up_at_once()
    {
        book.Hint(Hint(JobStatus.Running, revision: 2, attempt: 1), Time);

        book.TakeEffects().ShouldBe([new QueueEffect.Check(One)]);
    }

    [Fact]
    public void A_job_that_its_living_worker_does_not_hold_is_given_up_after_asking()
    {
        Beat();
        book.Checked(One, Running(attempt: 1), Time);

        book.Tick(Time);
        var ask = book.TakeEffects().Single().ShouldBeOfType<QueueEffect.Ask>();
        book.Asked(ask, holds: false, Time);

        book.TakeEffects().ShouldBe([new QueueEffect.GiveUp(One, 1, "worker 'w' no longer knows of it")]);
    }

    [Fact]
    public void An_older_reading_does_not_hide_the_attempt_that_is_looked_after()
    {
        Beat();
        book.Checked(One, Running(attempt: 2), Time);

        book.Reconcile([Running(attempt: 1)], Time);
        book.Tick(Time);

        book.TakeEffects().OfType<QueueEffect.Ask>().Single().Attempt.ShouldBe(2);
    }

    [Fact]
    public void A_stale_attempt_that_reappears_is_stopped_and_the_current_one_still_looked_after()
    {
        book.Reconcile([Running(attempt: 2) with { Worker = "other" }], Time);

        Beat(new HeldJob(One, "old", 1)).Stop.ShouldBe([new StopOrder(One, 1, StopReason.Stale)]);

        Pass(TimeSpan.FromSeconds(13));
        book.TakeEffects().OfType<QueueEffect.GiveUp>().ShouldBe([new QueueEffect.GiveUp(One, 2, "worker 'other' was not heard of")]);
    }

    [Fact]
    public void An_attempt_that_only_a_heartbeat_knows_is_looked_up_for_its_owner_and_its_cancel()
    {
        Beat(new HeldJob(One, "d9", 1));
        book.TakeEffects().ShouldBe([new QueueEffect.Check(One)]);

        book.Checked(One, Running(attempt: 1) with { CancelRequested = true }, Time);

        Beat(new HeldJob(One, "d9", 1)).Stop.ShouldBe([new StopOrder(One, 1, StopReason.Cancelled)]);
    }

    [Fact]
    public void A_cancelled_job_ends_when_the_lease_of_its_silent_worker_has_ended_and_not_before()
    {
        RunOne();
        book.Hint(Hint(JobStatus.Running, revision: 3, attempt: 1) with { CancelRequested = true }, Time);

        Pass(TimeSpan.FromSeconds(6));
        book.TakeEffects().ShouldBeEmpty();

        now += TimeSpan.FromMilliseconds(1);
        book.Tick(Time);
        book.TakeEffects().OfType<QueueEffect.GiveUp>().Single().ShouldSatisfyAllConditions(order => order.Job.ShouldBe(One), order => order.Attempt.ShouldBe(1));
    }

    [Fact]
    public void A_giving_up_that_was_not_answered_is_repeated()
    {
        RunOne();
        Pass(TimeSpan.FromSeconds(7));
        var order = book.TakeEffects().OfType<QueueEffect.GiveUp>().Single();

        book.Tick(Time);
        book.TakeEffects().ShouldBeEmpty("one at a time");
        book.GaveUp(order, null, Time);
        book.Tick(Time);

        book.TakeEffects().ShouldBe([order]);
    }

    [Fact]
    public void A_new_queue_waits_out_what_an_earlier_one_may_have_renewed()
    {
        book.Reconcile([Running(attempt: 1)], Time);

        Pass(TimeSpan.FromSeconds(12));
        book.TakeEffects().ShouldBeEmpty();

        now += TimeSpan.FromMilliseconds(1);
        book.Tick(Time);
        book.TakeEffects().Single().ShouldBeOfType<QueueEffect.GiveUp>();
    }

    [Fact]
    public void A_build_that_goes_on_after_its_time_limit_is_told_to_stop()
    {
        RunOne();

        var limit = now + TimeSpan.FromMinutes(46);
        for (now += TimeSpan.FromSeconds(1); now < limit; now += TimeSpan.FromSeconds(1))
            Beat(new HeldJob(One, "d1", 1)).Stop.ShouldBeEmpty();
        now += TimeSpan.FromSeconds(1);

        Beat(new HeldJob(One, "d1", 1)).Stop.ShouldBe([new StopOrder(One, 1, StopReason.Deadline)]);
    }

    [Fact]
    public void A_worker_that_was_given_up_returns_with_empty_hands_only()
    {
        RunOne();
        Pass(TimeSpan.FromSeconds(7));

        var refused = Beat(new HeldJob(One, "d1", 1));
        refused.Renewed.ShouldBeFalse();
        refused.Stop.ShouldBe([new StopOrder(One, 1, StopReason.Stale)]);

        Beat().Renewed.ShouldBeTrue();
        book.Snapshot().Workers.Single().Status.ShouldBe(WorkerStatus.Ready);
    }

    [Fact]
    public void Reconciling_adds_and_never_removes()
    {
        book.Hint(Hint(JobStatus.Queued, revision: 1, attempt: 0), Time);

        book.Reconcile([], Time);

        book.Snapshot().Waiting.Single().Id.ShouldBe(One);
    }

    [Fact]
    public void The_owner_with_the_fewest_running_jobs_is_next_and_of_one_owner_the_job_that_waits_longest()
    {
        Queue(11, "mia", 5);
        Queue(12, "mia", 1);
        Queue(13, "ben", 9);
        Queue(14, "mia", 3);

        Beat(slots: 4);

        book.TakeEffects().OfType<QueueEffect.Dispatch>().Select(dispatch => dispatch.Job.Value).ShouldBe([12, 13, 14, 11]);

        void Queue(int id, string owner, int second) =>
            book.Hint(Hint(JobStatus.Queued, 1, 0) with { Id = new JobId(id), Owner = owner, QueuedAt = Some.Time.AddSeconds(second) }, Time);
    }

    [Fact]
    public void A_waiting_job_that_a_whole_pass_over_the_catalogue_did_not_show_is_looked_up()
    {
        book.Hint(Hint(JobStatus.Queued, 1, 0), Time);
        book.Hint(Hint(JobStatus.Queued, 1, 0) with { Id = new JobId(2) }, Time);

        book.BeginPass();
        book.Hint(Hint(JobStatus.Queued, 1, 0) with { Id = new JobId(3) }, Time);
        book.Reconcile([Queued(1)], Time);
        book.EndPass(Time);

        book.TakeEffects().ShouldBe([new QueueEffect.Check(new JobId(2))], "3 came while the pass was under way");
        book.Checked(new JobId(2), null, Time);
        book.Waiting(new JobId(2)).ShouldBeNull();
    }

    [Fact]
    public void A_job_whose_image_nobody_offers_goes_to_anybody_only_after_its_own_wait()
    {
        var patient = new QueueBook(new LeaseOptions(), new QueueOptions { UnofferedImage = TimeSpan.FromSeconds(10) }, TimeSpan.FromMinutes(45), Time, standing, () => "d");
        patient.Heartbeat(new Heartbeat("w", 1, 1, WorkerStatus.Ready, 5, ["host"], []), Time);
        patient.Hint(Hint(JobStatus.Queued, 1, 0) with { Image = "exotic" }, Time);
        now = TimeSpan.FromSeconds(9.5);
        patient.Hint(Hint(JobStatus.Queued, 1, 0) with { Id = new JobId(2), Image = "exotic", QueuedAt = Some.Time + now }, Time);
        patient.Tick(Time);
        patient.TakeEffects().ShouldBeEmpty();
        patient.Waiting(One)!.Why.ShouldBe("no worker offers image 'exotic'; on offer: host");

        now = TimeSpan.FromSeconds(10);
        patient.Heartbeat(new Heartbeat("w", 1, 2, WorkerStatus.Ready, 5, ["host"], []), Time);
        patient.Tick(Time);

        patient.TakeEffects().OfType<QueueEffect.Dispatch>().Select(dispatch => dispatch.Job).ShouldBe([One]);
    }

    private static OpenJob Queued(int id) => Running(0) with { Id = new JobId(id), Status = JobStatus.Queued, Worker = null, Incarnation = 0, Revision = 1 };

    /// <summary>A worker with one slot, and job 1 running there in attempt 1.</summary>
    private void RunOne()
    {
        // Longer ago than an earlier activation can have renewed anything.
        Pass(TimeSpan.FromSeconds(3));
        Beat();
        book.Hint(Hint(JobStatus.Queued, revision: 1, attempt: 0), Time);
        var dispatch = book.TakeEffects().Single().ShouldBeOfType<QueueEffect.Dispatch>();
        book.Answered(dispatch, new RunResult(RunAnswer.Accepted, 1, sequence), Time);
        book.Hint(Hint(JobStatus.Running, revision: 2, attempt: 1), Time);
        Beat(new HeldJob(One, dispatch.DispatchId, 1)).Stop.ShouldBeEmpty();
        book.TakeEffects().ShouldBeEmpty();
    }

    /// <summary>Time passes as it does for the grain: in ticks.</summary>
    private void Pass(TimeSpan time)
    {
        for (var end = now + time; now < end; book.Tick(Time))
            now += TimeSpan.FromMilliseconds(500);
    }

    private HeartbeatAnswer Beat(params HeldJob[] held) => Beat(1, held);

    private HeartbeatAnswer Beat(int slots, params HeldJob[] held) => book.Heartbeat(new Heartbeat("w", 1, ++sequence, WorkerStatus.Ready, slots, ["host"], [.. held]), Time);

    private static JobHint Hint(JobStatus status, int revision, int attempt) => new()
    {
        Id = One,
        Owner = "mia",
        Image = "host",
        Status = status,
        Attempt = attempt,
        QueuedAt = Some.Time,
        Revision = revision,
        Worker = attempt == 0 ? null : "w",
        Incarnation = attempt == 0 ? 0 : 1,
    };

    private static OpenJob Running(int attempt) => new()
    {
        Id = One,
        Owner = "mia",
        Image = "host",
        Status = JobStatus.Running,
        QueuedAt = Some.Time,
        Attempt = attempt,
        Worker = "w",
        Incarnation = 1,
        Revision = 1 + attempt,
    };
}
