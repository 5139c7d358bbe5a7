using Builds.Execution;
using Builds.Jobs;
using Builds.Triggers;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Tests.Triggers;

/// <summary>From the end of a job to the record of its triggers, in memory.</summary>
public sealed class OutboxTests
{
    private readonly FakeSender sender = new();

    [Fact]
    public async Task A_job_that_ends_has_its_triggers_delivered_in_order_and_the_record_says_so()
    {
        await using var cluster = await Start();

        var job = await Delivered(cluster, await cluster.Submit(Manifest("a", "b")));

        job.Triggers.Select(trigger => (trigger.Number, trigger.Status, trigger.Attempts, trigger.HttpStatus, trigger.At)).ShouldBe(
            [(1, TriggerStatus.Delivered, 1, 200, cluster.Clock.GetUtcNow()), (2, TriggerStatus.Delivered, 1, 200, cluster.Clock.GetUtcNow())]);
        sender.Orders.Select(order => order.Setting("url")).ShouldBe(["http://a.example/", "http://b.example/"]);
        (job.Updated, job.Status).ShouldBe((job.Finished!.Value, JobStatus.Success));
    }

    [Fact]
    public async Task What_gets_no_answer_is_tried_again_as_the_same_and_holds_up_no_other_trigger_of_the_job()
    {
        var left = 3;
        sender.Script = (order, _) => Task.FromResult<TriggerOutcome>(
            order.Setting("url") == "http://a.example/" && left-- > 0 ? new TriggerOutcome.Failed("nobody there") : new TriggerOutcome.Delivered(204));
        await using var cluster = await Start();
        var id = (await cluster.Submit(Manifest("a", "z"))).Id;

        var waits = await cluster.WaitFor(id, job => job.Triggers is [{ Attempts: 1, Status: TriggerStatus.Pending }, { Status: TriggerStatus.Delivered }], "one is delivered, one failed");
        waits.Triggers[0].Error.ShouldBe("nobody there");
        await cluster.AdvanceUntil(async () => (await cluster.Job(id).Get())!.Triggers[0].Status == TriggerStatus.Delivered, "the third try gets through", TimeSpan.FromMinutes(10));

        (await cluster.Job(id).Get())!.Triggers[0].ShouldSatisfyAllConditions(
            trigger => trigger.Attempts.ShouldBe(4), trigger => trigger.Error.ShouldBeNull(), trigger => trigger.HttpStatus.ShouldBe(204));
        sender.Orders.Where(order => order.Setting("url") == "http://a.example/").Select(order => order.Occasion).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task What_hangs_is_given_up_when_its_time_is_over()
    {
        sender.Script = FakeSender.Hang;
        await using var cluster = await Start(options => options.MaxAttempts = 1);
        var id = (await cluster.Submit(Manifest("a"))).Id;

        await cluster.AdvanceUntil(async () => (await cluster.Job(id).Get())!.Triggers is [{ Status: TriggerStatus.Failed }], "it failed");

        (await cluster.Job(id).Get())!.Triggers[0].Error.ShouldBe("no answer within 10 s");
    }

    [Fact]
    public async Task A_sender_that_breaks_fails_its_own_delivery_and_tells_strangers_nothing()
    {
        sender.Script = (_, _) => throw new InvalidOperationException("a secret");
        await using var cluster = await Start(options => options.MaxAttempts = 1);

        var job = await Delivered(cluster, await cluster.Submit(Manifest("a")));

        job.Triggers.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            trigger => trigger.Status.ShouldBe(TriggerStatus.Failed), trigger => trigger.Error.ShouldBe("it could not be sent: the service's log says why"));
    }

    [Fact]
    public async Task Email_where_no_sender_takes_it_fails_for_good()
    {
        await using var cluster = await Start();

        var job = await Delivered(cluster, await cluster.Submit("image: host\ntriggers: [{action: email, condition: always, to: a@b}]\ntasks: [{a: 'true'}]\n"));

        job.Triggers.ShouldHaveSingleItem().Status.ShouldBe(TriggerStatus.Failed);
    }

    /// <summary>The silo dies with a delivery under way, and another one begins on what was stored.</summary>
    [Fact]
    public async Task What_a_silo_left_undelivered_is_found_and_delivered_by_the_next_one()
    {
        var storage = new FakeStorage();
        sender.Script = FakeSender.Hang;
        JobId id;
        await using (var first = await Start(storage: storage))
        {
            id = (await first.Submit(Manifest("a"))).Id;
            await first.WaitFor(id, JobStatus.Success);
        }

        sender.Script = (_, _) => Task.FromResult<TriggerOutcome>(new TriggerOutcome.Delivered(200));
        await using var next = await Start(storage: storage, incarnation: 2);
        await next.Grains.GetGrain<ITriggerOutboxGrain>(ITriggerOutboxGrain.Key).Wake();

        (await Delivered(next, (await next.Job(id).Get())!)).Triggers.ShouldHaveSingleItem().Status.ShouldBe(TriggerStatus.Delivered);
        sender.Orders.Select(order => order.Occasion).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_hint_that_is_lost_costs_no_more_than_a_sweep()
    {
        await using var cluster = await Start();
        cluster.Calls.LoseOnce("ITriggerOutboxGrain.Hint", CallFate.RequestLost);
        var id = (await cluster.Submit(Manifest("a"))).Id;
        await cluster.WaitFor(id, JobStatus.Success);

        await cluster.Grains.GetGrain<ITriggerOutboxGrain>(ITriggerOutboxGrain.Key).Wake();
        await cluster.AdvanceUntil(async () => (await cluster.Job(id).Get())!.Triggers[0].Status == TriggerStatus.Delivered, "the sweep found it");
    }

    [Fact]
    public async Task A_result_that_cannot_be_stored_is_kept_and_nothing_is_sent_twice()
    {
        await using var cluster = await Start();
        sender.Script = (_, _) =>
        {
            cluster.Storage.FailNextWrite();
            return Task.FromResult<TriggerOutcome>(new TriggerOutcome.Delivered(200));
        };
        var id = (await cluster.Submit(Manifest("a"))).Id;

        await cluster.AdvanceUntil(async () => (await cluster.Job(id).Get())!.Triggers is [{ Status: TriggerStatus.Delivered }], "it is stored after all");

        sender.Orders.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Jobs_run_on_while_a_thousand_targets_are_dead()
    {
        sender.Script = FakeSender.Hang;
        await using var cluster = await Start(options => (options.Concurrency, options.PerOwner) = (1000, 1000), withWorker: false);
        foreach (var number in Enumerable.Range(1, 1000))
            await Cancelled(cluster, Manifest($"dead{number}"));
        await Until(() => sender.Orders.Count == 1000);

        // Time stands still, so that none of them is over.
        var job = (await cluster.Submit(Manifest("next"))).Id;
        var claim = (await cluster.Job(job).Claim(new JobClaim("w", 1, "d"))).ShouldBeOfType<ClaimResult.Granted>();

        claim.Job.Status.ShouldBe(JobStatus.Running);
        (await cluster.Queue.Snapshot()).Waiting.ShouldBeEmpty();
        cluster.Calls.UnderWay.ShouldNotContain(call => call.StartsWith("IJobGrain") || call.StartsWith("IQueueGrain"));
    }

    [Fact]
    public async Task Owners_with_dead_targets_hold_up_themselves_only()
    {
        sender.Script = (order, token) => order.Setting("url")!.Contains("dead") ? FakeSender.Hang(order, token) : Task.FromResult<TriggerOutcome>(new TriggerOutcome.Delivered(200));
        await using var cluster = await Start(withWorker: false);
        foreach (var number in Enumerable.Range(1, 50))
            await Cancelled(cluster, Manifest($"dead{number}"), "greedy");

        var job = await Cancelled(cluster, Manifest("well"), "mia");

        (await Delivered(cluster, (await cluster.Job(job).Get())!)).Triggers.ShouldHaveSingleItem().Status.ShouldBe(TriggerStatus.Delivered);
        sender.Orders.Count.ShouldBe(17, "sixteen of one owner are under way");
    }

    [Theory]
    [InlineData(true, "success")]
    [InlineData(false, "failure")]
    public async Task The_triggers_of_a_group_fire_once_when_all_members_have_ended(bool success, string fires)
    {
        await using var cluster = await Start();
        var jobs = new[] { await Held(cluster), await Held(cluster) };
        var group = cluster.Grains.GetGrain<IJobGroupGrain>(JobGroupKey.For(9));
        var triggers = new[] { "success", "failure", "always" }.Select(when => new JobGroupTrigger("webhook", when, [KeyValuePair.Create("url", $"http://{when}.example/")]));
        await group.Create(new JobGroupSubmission { Id = 9, Owner = "mia", Jobs = [.. jobs], Triggers = [.. triggers], Execute = true });

        await End(cluster, jobs[0], success: true);
        await cluster.WaitFor(jobs[0], job => job.Status.IsFinal() && !job.TellGroup, "its group knows");
        (await group.GetEnd()).ShouldBeNull();
        await End(cluster, jobs[1], success);
        await cluster.WaitFor(jobs[1], job => job.Status.IsFinal() && !job.TellGroup, "its group knows");
        JobGroupEnd? end = null;
        await Until(async () => (end = await group.GetEnd())?.Triggers.All(trigger => trigger.Status == TriggerStatus.Delivered) == true);
        await group.MemberEnded();

        end!.Success.ShouldBe(success);
        end.Triggers.Select(trigger => trigger.Condition).ShouldBe([fires, "always"]);
        sender.Orders.Count.ShouldBe(2);
        sender.Orders.First().Subject.ShouldBeOfType<TriggerSubject.OfGroup>().Members.Select(job => job.Id).ShouldBe(jobs);
    }

    private Task<BuildsTestCluster> Start(Action<TriggerOptions>? configure = null, FakeStorage? storage = null, long incarnation = 1, bool withWorker = true) => BuildsTestCluster.Start(
        storage: storage, incarnation: incarnation, withWorker: withWorker, configure: services => services.AddSingleton<ITriggerSender>(sender).Configure(configure ?? (_ => { })));

    private static string Manifest(params string[] hosts) =>
        $"image: host\ntriggers: [{string.Join(", ", hosts.Select(host => $"{{action: webhook, condition: always, url: 'http://{host}.example/'}}"))}]\ntasks: [{{a: 'true'}}, {{b: 'true'}}]\n";

    private static async Task<JobId> Held(BuildsTestCluster cluster) => (await cluster.Submit("image: held\ntasks: [{a: 'true'}]\n", execute: false)).Id;

    private static async Task End(BuildsTestCluster cluster, JobId job, bool success)
    {
        var build = await cluster.Executor.Build(job);
        await build.RunTask(0, success ? BuildTaskStatus.Success : BuildTaskStatus.Failed);
        build.End(success ? new BuildOutcome.Succeeded() : new BuildOutcome.Failed(FailReason.Task, null));
    }

    private static async Task<JobId> Cancelled(BuildsTestCluster cluster, string manifest, string owner = "mia")
    {
        var job = (await cluster.Submit(manifest, owner, execute: false)).Id;
        (await cluster.Job(job).Cancel()).ShouldBeOfType<JobChange.Done>();
        return job;
    }

    private static Task<JobSnapshot> Delivered(BuildsTestCluster cluster, JobSnapshot job) =>
        cluster.WaitFor(job.Id, known => known.Status.IsFinal() && known.Triggers.All(trigger => trigger.Status != TriggerStatus.Pending), "everything is delivered or has failed");

    private static Task Until(Func<bool> holds) => Until(() => Task.FromResult(holds()));

    private static async Task Until(Func<Task<bool>> holds)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await holds())
        {
            bound.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
