using Builds.Jobs;
using Builds.Queue;

namespace Builds.Tests.Workers;

/// <summary>The lease, as the real worker keeps it. A lease is five seconds, a heartbeat one.</summary>
public sealed class WorkerHostTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_lease_counts_from_the_moment_at_which_the_heartbeat_was_sent_and_not_from_its_answer()
    {
        await using var worker = await LoneWorker.Start();
        var beat = await worker.NextBeat();

        worker.Clock.Advance(0.9 * Second);
        beat.Answer(renewed: true);

        (await worker.NextRenewal()).ShouldBe(5 * Second, "what the sandboxes are told");
        worker.Agent.LeaseLeft.ShouldBe(4.1 * Second, "what the worker itself goes by");
    }

    [Fact]
    public async Task An_answer_that_comes_after_that_to_a_later_heartbeat_takes_nothing_back()
    {
        await using var worker = await LoneWorker.Start();
        var first = await worker.NextBeat();
        worker.Clock.Advance(Second);
        var second = await worker.NextBeat();

        second.Answer(renewed: true);
        (await worker.NextRenewal()).ShouldBe(6 * Second);
        first.Answer(renewed: true);

        (await worker.NextRenewal()).ShouldBe(6 * Second);
    }

    [Fact]
    public async Task Lost_and_late_answers_end_no_build_as_long_as_the_lease_holds()
    {
        await using var worker = await LoneWorker.Start();
        (await worker.NextBeat()).Answer(renewed: true);
        await worker.NextRenewal();
        var build = await worker.Build(1);

        worker.Clock.Advance(Second);
        (await worker.NextBeat()).Lose();
        worker.Clock.Advance(Second);
        (await worker.NextBeat()).Lose();
        worker.Clock.Advance(Second);
        var late = await worker.NextBeat();
        worker.Clock.Advance(Second);
        await worker.NextBeat();
        worker.Clock.Advance(Second - TimeSpan.FromTicks(1));
        build.Kill.IsCancellationRequested.ShouldBeFalse("the lease of the first heartbeat holds");
        late.Answer(renewed: true);
        (await worker.NextRenewal()).ShouldBe(8 * Second);

        worker.Clock.Advance(3 * Second);
        build.Kill.IsCancellationRequested.ShouldBeFalse("the lease of the late one holds");
        worker.Clock.Advance(TimeSpan.FromTicks(1));
        build.Kill.IsCancellationRequested.ShouldBeTrue("nothing after it was answered");
    }

    [Fact]
    public async Task At_the_end_of_the_lease_every_build_is_killed_at_once()
    {
        await using var worker = await LoneWorker.Start();
        (await worker.NextBeat()).Answer(renewed: true);
        await worker.NextRenewal();
        var (one, other) = (await worker.Build(1), await worker.Build(2));

        worker.Clock.Advance((5 * Second) - TimeSpan.FromTicks(1));
        (one.Kill.IsCancellationRequested, other.Kill.IsCancellationRequested).ShouldBe((false, false));
        worker.Clock.Advance(TimeSpan.FromTicks(1));

        (one.Kill.IsCancellationRequested, other.Kill.IsCancellationRequested).ShouldBe((true, true));
    }

    [Fact]
    public async Task A_lease_that_ended_while_the_worker_was_frozen_is_not_renewed_under_its_builds()
    {
        await using var worker = await LoneWorker.Start();
        (await worker.NextBeat()).Answer(renewed: true);
        await worker.NextRenewal();
        var build = await worker.Build(1);
        worker.Clock.Advance(Second);
        var beat = await worker.NextBeat();

        // No timer of the worker has fired since: the answer is the first thing that it learns.
        worker.Freeze(10 * Second);
        beat.Answer(renewed: true);
        (await worker.NextRenewal()).ShouldBe(6 * Second, "sent before the freeze, it gives no time after it");

        build.Kill.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public async Task A_refused_heartbeat_ends_every_build_at_once()
    {
        await using var worker = await LoneWorker.Start();
        (await worker.NextBeat()).Answer(renewed: true);
        await worker.NextRenewal();
        var (one, other) = (await worker.Build(1), await worker.Build(2));
        worker.Clock.Advance(Second);

        (await worker.NextBeat()).Answer(renewed: false);

        await Task.WhenAll(one.Ended, other.Ended).WaitAsync(TimeSpan.FromSeconds(60));
        (one.Kill.IsCancellationRequested, other.Kill.IsCancellationRequested).ShouldBe((true, true));
    }

    [Theory]
    [InlineData(StopReason.Cancelled, false)]
    [InlineData(StopReason.Deadline, false)]
    [InlineData(StopReason.Stale, true)]
    public async Task An_order_of_the_queue_ends_the_build_that_it_names_and_no_other(StopReason reason, bool killed)
    {
        await using var worker = await LoneWorker.Start();
        (await worker.NextBeat()).Answer(renewed: true);
        await worker.NextRenewal();
        var (one, other) = (await worker.Build(1), await worker.Build(2));
        worker.Clock.Advance(Second);

        (await worker.NextBeat()).Answer(renewed: true, new StopOrder(new JobId(1), 1, reason), new StopOrder(new JobId(2), 2, reason));

        await one.Ended.WaitAsync(TimeSpan.FromSeconds(60));
        (one.Stop.IsCancellationRequested, one.Kill.IsCancellationRequested).ShouldBe((!killed, killed));
        (other.Stop.IsCancellationRequested, other.Kill.IsCancellationRequested).ShouldBe((false, false), "that order was for another attempt");
    }
}
