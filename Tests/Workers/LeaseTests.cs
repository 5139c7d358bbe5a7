using Builds.Cluster;
using Builds.Queue;
using Builds.Workers;
using CsCheck;

namespace Builds.Tests.Workers;

public sealed class LeaseTests
{
    private static readonly LeaseOptions Options = new();

    /// <summary>When a heartbeat is sent, how long it and its answer travel (milliseconds), and whether they arrive at all.</summary>
    private sealed record Trip(int Sent, int There, int Back, bool Arrives, bool Answered);

    [Fact]
    public void A_worker_has_no_lease_before_its_first_answer()
    {
        var lease = new Lease(Options.Lease);

        lease.End.ShouldBeNull();
        lease.Holds(TimeSpan.Zero).ShouldBeFalse();
    }

    [Fact]
    public void A_lease_is_over_at_its_very_end()
    {
        var lease = new Lease(TimeSpan.FromSeconds(5));

        lease.Renew(TimeSpan.FromSeconds(1));

        lease.Holds(TimeSpan.FromSeconds(6) - TimeSpan.FromTicks(1)).ShouldBeTrue();
        lease.Holds(TimeSpan.FromSeconds(6)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("0 1 2 3 4 5", 5, true)]
    [InlineData("0 1 2 3 5", 5, true)]
    [InlineData("0 1 2 3", 6, false)]
    [InlineData("0 4 5 6", 6, false)]
    [InlineData("0 4 5 6 7 8 9", 9, false)]
    [InlineData("0 4 5 6 7 8 9 10", 10, true)]
    [InlineData("", 5, false)]
    public void A_worker_has_asked_in_time_if_it_did_not_stand_still_for_half_a_lease_within_the_last_one(string asked, int now, bool inTime)
    {
        var lease = new Lease(TimeSpan.FromSeconds(5));

        foreach (var moment in asked.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            lease.Ask(TimeSpan.FromSeconds(int.Parse(moment, System.Globalization.CultureInfo.InvariantCulture)));

        lease.AskedInTime(TimeSpan.FromSeconds(now)).ShouldBe(inTime);
    }

    [Fact]
    public void At_whatever_moment_the_queue_gives_a_worker_up_its_lease_has_been_over_for_the_margin()
    {
        var trip = Gen.Select(Gen.Int[0, 30_000], Gen.Int[0, 9_000], Gen.Int[0, 9_000], Gen.Bool, Gen.Bool, (sent, there, back, arrives, answered) => new Trip(sent, there, back, arrives, answered));

        trip.Array[1, 40].Sample(trips =>
        {
            var lease = new Lease(Options.Lease);
            var book = new QueueBook(Options, new QueueOptions(), TimeSpan.FromHours(1), default, new AloneStanding(), () => "d");
            // Every heartbeat of this worker, numbered as sent, and what the queue and the worker live through in order of time.
            var moments = trips.OrderBy(one => one.Sent).SelectMany((one, number) => Moments(one, number)).OrderBy(moment => moment.At).ToList();
            var renewed = new Dictionary<int, bool>();
            TimeSpan? givenUp = null;

            for (var now = 0; now <= 60_000 && givenUp is null; now += 100)
            {
                foreach (var (at, number, sent, isAnswer) in moments.Where(moment => moment.At > now - 100 && moment.At <= now))
                {
                    if (!isAnswer)
                        renewed[number] = book.Heartbeat(new Heartbeat("w", 1, number, WorkerStatus.Ready, 1, ["host"], []), At(at)).Renewed;
                    else if (renewed[number])
                        lease.Renew(TimeSpan.FromMilliseconds(sent));
                }

                book.Tick(At(now));
                if (book.Snapshot().Workers.SingleOrDefault()?.Status == WorkerStatus.Lost)
                    givenUp = TimeSpan.FromMilliseconds(now);
            }

            if (lease.End is { } end && givenUp is { } moment)
                end.ShouldBeLessThanOrEqualTo(moment - Options.Margin);
        }, iter: Rounds.Of(300));
    }

    private static QueueTime At(int milliseconds) => new(TimeSpan.FromMilliseconds(milliseconds), Some.Time.AddMilliseconds(milliseconds));

    private static IEnumerable<(int At, int Number, int Sent, bool IsAnswer)> Moments(Trip trip, int number)
    {
        if (trip.Arrives)
            yield return (trip.Sent + trip.There, number, trip.Sent, false);
        if (trip is { Arrives: true, Answered: true })
            yield return (trip.Sent + trip.There + trip.Back, number, trip.Sent, true);
    }
}
