using Builds.Jobs;
using Builds.Workers;

namespace Builds.Tests.Workers;

public sealed class HeldAttemptTests
{
    [Theory]
    [InlineData(StopCause.Cancelled)]
    [InlineData(StopCause.Timeout)]
    public void A_worker_that_leaves_cuts_the_grace_short_and_does_not_change_why_the_job_ends(StopCause cause)
    {
        using var held = new HeldAttempt(new JobId(1), "d", 0);
        held.End(cause);
        (held.Stopping.IsCancellationRequested, held.Killing.IsCancellationRequested).ShouldBe((true, false));

        held.End(StopCause.HandBack);

        held.Killing.IsCancellationRequested.ShouldBeTrue();
        held.Cause.ShouldBe(cause);
        held.Lost.IsCancellationRequested.ShouldBeFalse();
    }

    [Fact]
    public void The_end_of_the_lease_kills_and_what_is_told_is_still_wanted()
    {
        using var held = new HeldAttempt(new JobId(1), "d", 0);

        held.End(StopCause.LeaseOver);

        held.Cause.ShouldBe(StopCause.LeaseOver);
        (held.Killing.IsCancellationRequested, held.Lost.IsCancellationRequested).ShouldBe((true, false));
    }

    [Theory]
    [InlineData(StopCause.Cancelled, StopCause.Timeout)]
    [InlineData(StopCause.Timeout, StopCause.Cancelled)]
    [InlineData(StopCause.HandBack, StopCause.Cancelled)]
    [InlineData(StopCause.HandBack, StopCause.Timeout)]
    [InlineData(StopCause.Cancelled, StopCause.LeaseOver)]
    [InlineData(StopCause.Timeout, StopCause.LeaseOver)]
    public void The_first_cause_is_the_one_that_is_told(StopCause first, StopCause second)
    {
        using var held = new HeldAttempt(new JobId(1), "d", 0);

        held.End(first);
        held.End(second);

        held.Cause.ShouldBe(first);
    }

    [Theory]
    [InlineData(StopCause.None)]
    [InlineData(StopCause.Cancelled)]
    [InlineData(StopCause.Timeout)]
    [InlineData(StopCause.HandBack)]
    [InlineData(StopCause.LeaseOver)]
    public void An_attempt_that_is_lost_is_killed_and_nothing_is_told_whatever_ended_it_before(StopCause before)
    {
        using var held = new HeldAttempt(new JobId(1), "d", 0);
        held.End(before);

        held.End(StopCause.Lost);
        held.End(StopCause.HandBack);

        held.Cause.ShouldBe(StopCause.Lost);
        (held.Killing.IsCancellationRequested, held.Lost.IsCancellationRequested).ShouldBe((true, true));
    }
}
