using System.Collections.Immutable;
using Builds.Cluster;
using Builds.Jobs;
using Builds.Queue;
using Builds.Workers;
using CsCheck;
using Xunit.Abstractions;

namespace Builds.Tests.Queue;

/// <summary>Who is next: fewest running, then priority, then age; within pools, labels and the limits of owners.</summary>
public sealed class FairShareTests(ITestOutputHelper output)
{
    private TimeSpan now;
    private int dispatches;

    private QueueTime Time => new(now, Some.Time + now);

    /// <summary>Done-when 5 of the issue, in simulated time: every job takes a second, so a turnover of the slots is a second too.</summary>
    [Fact]
    public void One_owner_with_ten_thousand_jobs_takes_nothing_from_nine_with_ten()
    {
        const int Slots = 10;
        var book = Book(new QueueOptions());
        for (var id = 1; id <= 10_000; id++)
            Queue(book, id, "heavy");
        Beat(book, Slots, 1, []);
        var running = Dispatched(book);
        for (var light = 1; light <= 9; light++)
        {
            for (var job = 0; job < 10; job++)
                Queue(book, 10_000 + (light * 100) + job, $"light{light}");
        }

        var firstTurn = new Dictionary<string, int>();
        var share = new Dictionary<string, int>();
        var lightLeft = 90;
        var jain = 1.0;
        for (var turn = 1; lightLeft > 0; turn++)
        {
            // All have work as long as none of the light ones has started its last job.
            var allHaveWork = lightLeft >= 9;
            now += TimeSpan.FromSeconds(1);
            foreach (var (job, _) in running)
                book.Hint(Hint(job, Owner(job)) with { Status = JobStatus.Success, Revision = 3, Attempt = 1 }, Time);
            Beat(book, Slots, turn + 1, []);
            running = Dispatched(book);
            running.Count.ShouldBe(Slots, "no slot is idle");
            foreach (var owner in running.Select(pair => Owner(pair.Job)))
            {
                firstTurn.TryAdd(owner, turn);
                lightLeft -= owner == "heavy" ? 0 : 1;
                if (allHaveWork)
                    share[owner] = share.GetValueOrDefault(owner) + 1;
            }
        }

        double[] shares = [.. share.Values];
        jain = shares.Sum() * shares.Sum() / (10 * shares.Sum(one => one * one));
        output.WriteLine($"Jain's index {jain:0.0000}, first turns {string.Join(' ', firstTurn.Values)}, shares {string.Join(' ', share.Values)}");
        firstTurn.Count.ShouldBe(10);
        firstTurn.Values.ShouldAllBe(turn => turn <= 2);
        share.Count.ShouldBe(10);
        jain.ShouldBeGreaterThanOrEqualTo(0.95);

        static string Owner(JobId job) => job.Value <= 10_000 ? "heavy" : $"light{(job.Value - 10_000) / 100}";
    }

    /// <summary>The sorted lines against a look at everything: the same jobs in the same order, and the place that each was told.</summary>
    [Fact]
    public void The_order_is_that_of_a_look_at_all_waiting_jobs()
    {
        var job =
            from owner in Gen.Int[0, 3]
            from priority in Gen.Int[-1, 1]
            from second in Gen.Int[0, 5]
            from label in Gen.Int[0, 3]
            from image in Gen.Int[0, 3]
            select (Owner: $"o{owner}", Priority: priority, Second: second, Labels: label == 0 ? ["gpu"] : ImmutableArray<string>.Empty, Image: image == 0 ? "b" : "a");
        Gen.Select(job.Array[0, 30], Gen.Int[1, 8], Gen.Int[0, 3], Gen.Bool).Sample((jobs, slots, limit, special) =>
        {
            dispatches = 0;
            var book = Book(new QueueOptions { RunningPerOwner = limit, UnofferedImage = TimeSpan.FromDays(1) });
            foreach (var (index, one) in jobs.Index())
                book.Hint(Hint(new JobId(index + 1), one.Owner) with { Priority = one.Priority, QueuedAt = Some.Time.AddSeconds(one.Second), Labels = one.Labels, Image = one.Image }, Time);

            ImmutableArray<string> labels = special ? ["gpu", "big"] : [];
            ImmutableArray<string> images = special ? ["a", "b"] : ["a"];
            book.Heartbeat(new Heartbeat("w", 1, 1, WorkerStatus.Ready, slots, images, []) { Labels = labels }, Time);

            var waiting = jobs.Index().Select(pair => (pair.Item, Id: pair.Index + 1)).Where(one => images.Contains(one.Item.Image) && one.Item.Labels.All(labels.Contains)).ToList();
            var running = new Dictionary<string, int>();
            var expected = new List<int>();
            while (expected.Count < slots)
            {
                var next = waiting.Where(one => limit == 0 || running.GetValueOrDefault(one.Item.Owner) < limit)
                    .OrderBy(one => running.GetValueOrDefault(one.Item.Owner))
                    // An owner's own order comes first: it is the head of each owner's line that is compared.
                    .ThenByDescending(one => one.Item.Priority).ThenBy(one => one.Item.Second).ThenBy(one => one.Id).FirstOrDefault();
                if (next.Id == 0)
                    break;
                waiting.Remove(next);
                running[next.Item.Owner] = running.GetValueOrDefault(next.Item.Owner) + 1;
                expected.Add(next.Id);
            }

            Dispatched(book).Select(pair => pair.Job.Value).ShouldBe(expected);
            book.Snapshot().Waiting.Length.ShouldBe(jobs.Length - expected.Count);
            var summary = book.Summary("default");
            (summary.Queued, summary.Reasons.Sum(reason => reason.Jobs), summary.Owners.Sum(owner => owner.Queued)).ShouldBe((jobs.Length - expected.Count, jobs.Length - expected.Count, jobs.Length - expected.Count));
        }, iter: Rounds.Of(500));
    }

    [Fact]
    public void The_place_that_a_job_is_told_is_the_one_at_which_it_is_given_out()
    {
        Gen.Select(Gen.Int[0, 3], Gen.Int[-1, 1], Gen.Int[0, 9]).Array[1, 25].Sample(jobs =>
        {
            dispatches = 0;
            var book = Book(new QueueOptions());
            foreach (var (index, (owner, priority, second)) in jobs.Index())
                book.Hint(Hint(new JobId(index + 1), $"o{owner}") with { Priority = priority, QueuedAt = Some.Time.AddSeconds(second) }, Time);
            var places = Enumerable.Range(1, jobs.Length).ToDictionary(id => id, id => book.Waiting(new JobId(id))!.Place);

            Beat(book, jobs.Length, 1, []);

            Dispatched(book).Select(pair => places[pair.Job.Value]).ShouldBe(Enumerable.Range(1, jobs.Length));
        }, iter: Rounds.Of(300));
    }

    [Fact]
    public void Each_job_is_told_why_it_waits()
    {
        var book = Book(new QueueOptions { RunningPerOwner = 1, UnofferedImage = TimeSpan.FromHours(1) });
        book.Hint(Hint(new JobId(1), "mia"), Time);
        Why(1).ShouldBe("NoWorker: no worker takes jobs at the moment");

        Beat(book, 1, 1, []);
        book.Hint(Hint(new JobId(2), "mia"), Time);
        book.Hint(Hint(new JobId(3), "ben"), Time);
        book.Hint(Hint(new JobId(4), "ben") with { Image = "debian" }, Time);
        book.Hint(Hint(new JobId(5), "ben") with { Labels = ["gpu", "big"] }, Time);

        book.Waiting(new JobId(1)).ShouldBeNull("it is on its way to the worker");
        Why(2).ShouldBe("OwnerLimit: mia has 1 jobs running, and an owner may have 1 in this pool");
        Why(3).ShouldBe("NoSlot: all 1 slots of the workers that offer image 'host' are taken");
        Why(4).ShouldBe("NoImage: no worker offers image 'debian'; on offer: host");
        Why(5).ShouldBe("NoLabels: no worker that offers image 'host' carries all of the labels big, gpu");
        var summary = book.Summary("p");
        summary.Reasons.Select(reason => (reason.Reason, reason.Jobs)).ShouldBe(
            [(WaitReason.OwnerLimit, 1), (WaitReason.NoSlot, 1), (WaitReason.NoImage, 1), (WaitReason.NoLabels, 1)], ignoreOrder: true);
        (summary.Pool, summary.Queued, summary.Running, summary.Slots, summary.FreeSlots, summary.OldestQueuedAt, summary.InStanding).ShouldBe(("p", 4, 1, 1, 0, Some.Time, true));
        summary.Owners.ShouldBe([new OwnerSummary("ben", 3, 0, Some.Time), new OwnerSummary("mia", 1, 1, Some.Time)]);

        string Why(int id) => book.Waiting(new JobId(id)) is { } waits ? $"{waits.Reason}: {waits.Why}" : "does not wait";
    }

    [Fact]
    public void Jobs_without_labels_leave_the_workers_that_have_some_to_those_that_need_them()
    {
        var book = Book(new QueueOptions());
        book.Heartbeat(new Heartbeat("gpu", 1, 1, WorkerStatus.Ready, 5, ["host"], []) { Labels = ["gpu"] }, Time);
        book.Heartbeat(new Heartbeat("plain", 1, 1, WorkerStatus.Ready, 1, ["host"], []), Time);
        foreach (var id in new[] { 1, 2 })
            Queue(book, id, "mia");

        book.TakeEffects().OfType<QueueEffect.Dispatch>().Select(dispatch => dispatch.Worker).ShouldBe(["plain", "gpu"]);
    }

    [Fact]
    public void Above_the_limit_of_queued_jobs_nobody_is_let_in_however_many_ask_at_a_time()
    {
        var book = Book(new QueueOptions { QueuedPerOwner = 3 });
        book.Admit("mia", Time).Admitted.ShouldBeTrue("until the catalogue is read");
        book.BeginPass();
        book.EndPass(Time);
        Queue(book, 1, "mia");

        book.Admit("mia", Time).ShouldBe(new Admission(true, 1, 3));
        book.Admit("mia", Time).ShouldBe(new Admission(true, 2, 3));
        book.Admit("mia", Time).ShouldBe(new Admission(false, 3, 3));
        book.Admit("ben", Time).Admitted.ShouldBeTrue("the limit is each owner's own");

        Queue(book, 2, "mia");
        book.Admit("mia", Time).ShouldBe(new Admission(false, 3, 3), "what was let in is counted once");

        for (var end = now + TimeSpan.FromSeconds(11); now < end; now += TimeSpan.FromSeconds(0.5))
            book.Tick(Time);
        book.Admit("mia", Time).ShouldBe(new Admission(true, 2, 3), "one that never came is forgotten");
    }

    private QueueBook Book(QueueOptions options) => new(new LeaseOptions(), options, TimeSpan.FromMinutes(45), Time, new AloneStanding(), () => $"d{++dispatches}");

    private void Queue(QueueBook book, int id, string owner) => book.Hint(Hint(new JobId(id), owner), Time);

    private void Beat(QueueBook book, int slots, long sequence, ImmutableArray<HeldJob> held) =>
        book.Heartbeat(new Heartbeat("w", 1, sequence, WorkerStatus.Ready, slots, ["host"], held), Time);

    /// <summary>What was given out, accepted at once.</summary>
    private List<(JobId Job, string Dispatch)> Dispatched(QueueBook book)
    {
        var given = book.TakeEffects().OfType<QueueEffect.Dispatch>().ToList();
        foreach (var dispatch in given)
            book.Answered(dispatch, new RunResult(RunAnswer.Accepted, 1, 0), Time);
        return [.. given.Select(dispatch => (dispatch.Job, dispatch.DispatchId))];
    }

    private static JobHint Hint(JobId id, string owner) => new()
    {
        Id = id,
        Owner = owner,
        Image = "host",
        Status = JobStatus.Queued,
        Attempt = 0,
        QueuedAt = Some.Time,
        Revision = 1,
    };
}
