using Builds.Cluster;
using Builds.Jobs;
using Builds.Queue;

namespace Builds.Tests.Queue;

/// <summary>What the queue may do depends on whether its own silo belongs to the cluster, and was awake.</summary>
public sealed partial class QueueBookTests
{
    [Fact]
    public void A_queue_that_was_frozen_waits_for_its_workers_anew()
    {
        RunOne();

        now += TimeSpan.FromSeconds(60);
        Pass(TimeSpan.FromSeconds(6));
        book.TakeEffects().ShouldBeEmpty("its own silence is no worker's");

        Pass(TimeSpan.FromSeconds(1));
        book.TakeEffects().OfType<QueueEffect.GiveUp>().Count().ShouldBe(1, "the worker's is");
    }

    [Fact]
    public void A_queue_whose_silo_may_be_out_of_the_cluster_renews_nothing_gives_nothing_out_and_gives_nobody_up()
    {
        RunOne();
        standing.SinceActive = TimeSpan.FromSeconds(3.1);

        var answer = Beat(2, new HeldJob(One, "d1", 1));
        book.Hint(Hint(JobStatus.Queued, 1, 0) with { Id = new JobId(2) }, Time);
        Pass(TimeSpan.FromSeconds(20));

        answer.Withheld.ShouldBeTrue();
        answer.Stop.ShouldBeEmpty();
        book.TakeEffects().ShouldBeEmpty();
        book.Waiting(new JobId(2))!.Reason.ShouldBe(WaitReason.Standing);

        standing.SinceActive = TimeSpan.Zero;
        Beat(2, new HeldJob(One, "d1", 1)).Withheld.ShouldBeFalse();
        book.TakeEffects().OfType<QueueEffect.Dispatch>().Single().Job.ShouldBe(new JobId(2));
    }

    [Fact]
    public void Silence_counts_only_as_far_as_the_silo_was_surely_a_member()
    {
        RunOne();
        standing.SinceActive = TimeSpan.FromSeconds(2);

        Pass(TimeSpan.FromSeconds(8));
        book.TakeEffects().ShouldBeEmpty("for two seconds another queue may have renewed it");

        Pass(TimeSpan.FromSeconds(0.5));
        book.TakeEffects().OfType<QueueEffect.GiveUp>().Count().ShouldBe(1);
    }

    [Fact]
    public void A_new_queue_gives_a_worker_up_that_it_heard_of_only_when_no_earlier_queue_can_have_renewed_it()
    {
        Beat(new HeldJob(One, "d0", 1));
        book.Checked(One, Running(1), Time);
        book.TakeEffects();

        Pass(TimeSpan.FromSeconds(9));
        book.TakeEffects().ShouldBeEmpty();

        Pass(TimeSpan.FromSeconds(0.5));
        book.TakeEffects().OfType<QueueEffect.GiveUp>().Count().ShouldBe(1);
    }

    [Fact]
    public void A_worker_whose_silo_is_known_to_be_dead_gets_nothing_new_and_keeps_its_lease()
    {
        Beat();
        standing.Dead.Add("w");
        Pass(TimeSpan.FromSeconds(0.5));
        book.Hint(Hint(JobStatus.Queued, 1, 0), Time);

        book.TakeEffects().ShouldBeEmpty();
        book.Waiting(One)!.Reason.ShouldBe(WaitReason.NoWorker);

        standing.Dead.Clear();
        Pass(TimeSpan.FromSeconds(0.5));
        book.TakeEffects().Single().ShouldBeOfType<QueueEffect.Dispatch>();
    }

    private sealed class FakeStanding : IClusterStanding
    {
        public TimeSpan SinceActive { get; set; }
        public HashSet<string> Dead { get; } = [];
        public bool IsActive => SinceActive <= TimeSpan.FromSeconds(3);

        public bool IsDead(string worker) => Dead.Contains(worker);
    }
}
