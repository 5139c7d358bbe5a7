using Builds.Jobs;
using Builds.Storage;
using Builds.Support;
using Builds.Triggers;
using Builds.Users;
using Orleans.Storage;

namespace Builds.Tests.Storage;

/// <summary>What the catalogue answers about records that went through the storage provider.</summary>
public sealed class CatalogueTests
{
    [Theory, OnBoth]
    public async Task A_job_is_found_whole(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        await storage.Write(Jobs.Full(2_000_000_000));

        (await storage.Catalogue.Find(new JobId(2_000_000_000), default)).ShouldBeEquivalentTo(Jobs.Full(2_000_000_000).ToSnapshot());
        (await storage.Catalogue.Find(new JobId(1), default)).ShouldBeNull();
    }

    [Theory, OnBoth]
    public async Task Pages_hold_the_owners_jobs_newest_first_and_say_where_the_next_begins(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        foreach (var id in new[] { 3, 1, 7, 5, 9 })
            await storage.Write(Jobs.Queued(id));
        await storage.Write(Jobs.Queued(8, owner: "noa"));

        var first = await storage.Catalogue.List("mia", null, 2, default);
        var second = await storage.Catalogue.List("mia", first.Next, 2, default);
        var last = await storage.Catalogue.List("mia", second.Next, 2, default);
        var exact = await storage.Catalogue.List("mia", new JobId(4), 2, default);

        Ids(first).ShouldBe([9, 7]);
        Ids(second).ShouldBe([5, 3]);
        Ids(last).ShouldBe([1]);
        last.Next.ShouldBeNull();
        Ids(exact).ShouldBe([3, 1]);
        exact.Next.ShouldBeNull();
        new[] { first, second, last, exact }.ShouldAllBe(page => page.Total == 5);
        var nobody = await storage.Catalogue.List("nobody", null, 1000, default);
        (nobody.Jobs.Length, nobody.Next, nobody.Total).ShouldBe((0, null, 0));
    }

    [Theory, OnBoth]
    public async Task A_list_shows_of_each_job_what_is_stored_of_it(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        await storage.Write(Jobs.Full(7));

        (await storage.Catalogue.List("mia", null, 1, default)).Jobs.ShouldHaveSingleItem().ShouldBeEquivalentTo(ListedJob.From(Jobs.Full(7).ToSnapshot()));
    }

    /// <summary>The total of a list is kept, not counted: it must be right whatever happens to jobs.</summary>
    [Theory, OnBoth]
    public async Task The_total_follows_what_is_written_again_refused_and_deleted(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        var jobs = await Task.WhenAll(Enumerable.Range(1, 100).Select(id => storage.Write(Jobs.Queued(id, owner: id % 3 == 0 ? "noa" : "mia"))));
        (await Totals()).ShouldBe((67, 33));

        await Task.WhenAll(jobs.Select(job => storage.Write("job", StorageHarness.Job(job.State!.Id.Value), job)));
        (await Totals()).ShouldBe((67, 33), "a job that is written again is the same job");

        await Task.WhenAll(Enumerable.Range(1, 100).Select(async id =>
            await Should.ThrowAsync<InconsistentStateException>(() => storage.Write(Jobs.Queued(id)))));
        (await Totals()).ShouldBe((67, 33), "a refused one makes none");

        await Task.WhenAll(jobs.Where(job => job.State!.Id.Value <= 30).Select(async job => await storage.Storage.ClearStateAsync("job", StorageHarness.Job(job.State!.Id.Value), job)));
        (await Totals()).ShouldBe((47, 23));
        await storage.Write(Jobs.Queued(1, owner: "mia"));
        (await Totals()).ShouldBe((48, 23));

        async Task<(long, long)> Totals() =>
            ((await storage.Catalogue.List("mia", null, 1, default)).Total, (await storage.Catalogue.List("noa", new JobId(5), 1, default)).Total);
    }

    [Theory, OnBoth]
    public async Task Jobs_that_have_ended_come_in_the_order_of_their_ends_page_by_page(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        foreach (var (id, minute, status) in new[] { (5, 1, JobStatus.Success), (2, 3, JobStatus.Failed), (9, 3, JobStatus.Success), (1, 2, JobStatus.Running), (7, 4, JobStatus.Failed) })
            await storage.Write(Jobs.Queued(id) with { Status = status, Updated = Some.Time.AddMinutes(minute) });

        var first = await storage.Catalogue.Ended(null, Some.Time.AddMinutes(4), 2, default);
        var second = await storage.Catalogue.Ended(first[^1], Some.Time.AddMinutes(4), 2, default);

        first.ShouldBe([new EndedJob(new JobId(5), Some.Time.AddMinutes(1)), new EndedJob(new JobId(2), Some.Time.AddMinutes(3))]);
        second.ShouldBe([new EndedJob(new JobId(9), Some.Time.AddMinutes(3))]);
        (await storage.Catalogue.Ended(second[^1], Some.Time.AddMinutes(4), 2, default)).ShouldBeEmpty();
    }

    [Theory, OnBoth]
    public async Task Jobs_beyond_the_newest_of_each_owner_are_surplus_once_they_have_ended(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        foreach (var id in new[] { 1, 2, 3, 4, 5, 6 })
            await storage.Write(Jobs.Queued(id) with { Status = id == 2 ? JobStatus.Running : JobStatus.Success });
        await storage.Write(Jobs.Queued(7, owner: "noa") with { Status = JobStatus.Success });

        (await storage.Catalogue.Surplus(2, Some.Time.AddTicks(1), 10, default)).Select(job => job.Id.Value).Order().ShouldBe([1, 3, 4]);
        (await storage.Catalogue.Surplus(2, Some.Time.AddTicks(1), 2, default)).Length.ShouldBe(2);
        (await storage.Catalogue.Surplus(2, Some.Time, 10, default)).ShouldBeEmpty();
    }

    [Theory, OnBoth]
    public async Task What_is_left_of_a_deleted_job_is_found_by_nobody_else(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        await storage.Write(JobDecisions.Expire(Jobs.Full(3) with { Status = JobStatus.Failed }, JobPart.Record, Some.Time.AddDays(9))!);
        await storage.Write(Jobs.Queued(4));

        (await storage.Catalogue.Deleted(10, default)).ShouldBe([new EndedJob(new JobId(3), Jobs.Full(3).Updated)]);
        (await storage.Catalogue.Find(new JobId(3), default)).ShouldBeNull();
        (await storage.Catalogue.List("mia", null, 10, default)).Total.ShouldBe(1);
    }

    [Theory, OnBoth]
    public async Task What_the_outbox_has_to_do_comes_longest_due_first_page_by_page(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        foreach (var (id, minute) in new[] { (5, 1), (2, 3), (9, 3), (7, 4) })
            await storage.Write(Jobs.Queued(id) with { Status = JobStatus.Success, TriggersDue = Some.Time.AddMinutes(minute) });
        await storage.Write(Jobs.Queued(1) with { Status = JobStatus.Failed });
        await storage.Write("jobgroup", StorageHarness.Named("group-2"), new GrainState<JobGroupState>(new JobGroupState { Id = 2, Owner = "noa", TriggersDue = Some.Time.AddMinutes(3) }));

        var first = await storage.Catalogue.TriggersDue(Some.Time.AddMinutes(3), null, 2, default);
        var second = await storage.Catalogue.TriggersDue(Some.Time.AddMinutes(3), first[^1], 2, default);

        first.ShouldBe([Due(TriggerSourceKind.Job, 5, "mia", 1), Due(TriggerSourceKind.Job, 2, "mia", 3)]);
        second.ShouldBe([Due(TriggerSourceKind.Group, 2, "noa", 3), Due(TriggerSourceKind.Job, 9, "mia", 3)]);
        (await storage.Catalogue.TriggersDue(Some.Time.AddMinutes(3), second[^1], 2, default)).ShouldBeEmpty();

        static DueTriggers Due(TriggerSourceKind kind, int id, string owner, int minute) => new(new TriggerSource(kind, id), owner, Some.Time.AddMinutes(minute));
    }

    [Theory, OnBoth]
    public async Task What_was_delivered_is_due_no_more(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        var job = await storage.Write(Jobs.Full(3));
        (await storage.Catalogue.TriggersDue(Some.Time.AddDays(1), null, 2, default)).ShouldHaveSingleItem().Source.Id.ShouldBe(3);

        job.State = job.State! with { TriggersDue = null };
        await storage.Write("job", StorageHarness.Job(3), job);

        (await storage.Catalogue.TriggersDue(Some.Time.AddDays(1), null, 2, default)).ShouldBeEmpty();
    }

    [Theory, OnBoth]
    public async Task Open_jobs_are_those_that_are_queued_or_running(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        foreach (var status in Enum.GetValues<JobStatus>())
            await storage.Write(Jobs.Full((int)status + 1) with { Status = status });

        var open = await storage.Catalogue.Open("default", null, 100, default);

        open.Select(job => job.Status).ShouldBe([JobStatus.Queued, JobStatus.Running]);
        var running = Jobs.Full(3);
        open[1].ShouldBe(new OpenJob
        {
            Id = running.Id,
            Owner = running.Owner,
            Image = running.Image,
            Status = running.Status,
            QueuedAt = running.QueuedAt!.Value,
            Attempt = running.Attempt,
            Worker = running.Worker,
            Incarnation = running.Incarnation,
            Started = running.Started,
            CancelRequested = running.CancelRequested,
            Revision = running.Revision,
        });
        (await storage.Catalogue.FindOpen(new JobId(3), default)).ShouldBe(open[1]);
        (await storage.Catalogue.FindOpen(new JobId(4), default)).ShouldBeNull();
        (await storage.Catalogue.FindOpen(new JobId(6), default)).ShouldBeNull();
    }

    [Theory, OnBoth]
    public async Task What_was_queued_since_a_time_is_exact_to_the_tick(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        foreach (var ticks in Enumerable.Range(0, 4))
            await storage.Write(Jobs.Queued(ticks + 1, queuedAt: Some.Time.AddTicks(ticks)));
        await storage.Write(Jobs.Queued(9, queuedAt: Some.Time.AddDays(1)) with { Status = JobStatus.Running });

        var elsewhere = Some.Time.AddTicks(2).ToOffset(TimeSpan.FromHours(5));

        (await storage.Catalogue.QueuedSince("default", elsewhere, null, 100, default)).Select(job => job.Id.Value).ShouldBe([3, 4]);
    }

    [Theory, OnBoth]
    public async Task A_job_leaves_the_open_ones_with_the_write_that_ends_it(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        var job = await storage.Write(Jobs.Queued(1));
        job.State = job.State! with { Status = JobStatus.Failed, Reason = FailReason.Cancelled };

        await storage.Write("job", StorageHarness.Job(1), job);

        (await storage.Catalogue.Open("default", null, 100, default)).ShouldBeEmpty();
        (await storage.Catalogue.Find(new JobId(1), default))!.Reason.ShouldBe(FailReason.Cancelled);
    }

    [Theory, OnBoth]
    public async Task Tokens_are_listed_oldest_first_all_or_one_users(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        var (old, young) = (TokenText.Create(), TokenText.Create());
        await Create(young, "mia", Some.Time.AddDays(2));
        await Create(TokenText.Create(), "noa", Some.Time.AddDays(1));
        await Create(old, "mia", Some.Time);

        var all = await storage.Tokens.List(null, default);
        var mine = await storage.Tokens.List("mia", default);

        all.Select(token => token.User).ShouldBe(["mia", "noa", "mia"]);
        mine.Select(token => token.Id).ShouldBe([TokenText.Id(old), TokenText.Id(young)]);
        mine[0].ShouldBeEquivalentTo(new TokenInfo(
            TokenText.Id(old), "mia", true, ["jobs:read"], TokenText.Prefix(old), Some.Time, Some.Time.AddDays(9), Some.Time.AddDays(3), null));

        Task Create(string token, string user, DateTimeOffset created) => storage.Write(
            "token", StorageHarness.Named(TokenText.GrainKey(TokenText.Id(token))), new GrainState<TokenState>(new TokenState
            {
                User = user,
                IsAdmin = true,
                Scopes = ["jobs:read"],
                Prefix = TokenText.Prefix(token),
                Created = created,
                Expires = Some.Time.AddDays(9),
                Revoked = Some.Time.AddDays(3),
            }));
    }

    /// <summary>With a million old jobs a scan would take seconds.</summary>
    [Theory]
    [InlineData(SqliteCatalogue.FindSql, "sqlite_autoindex_storage_1")]
    [InlineData(SqliteCatalogue.FindOpenSql, "sqlite_autoindex_storage_1")]
    [InlineData(SqliteCatalogue.PageSql, "job_owner")]
    [InlineData(SqliteCatalogue.TotalSql, "job_total")]
    [InlineData(SqliteCatalogue.OpenSql, "job_open")]
    [InlineData(SqliteCatalogue.QueuedSinceSql, "job_queued")]
    [InlineData(SqliteCatalogue.TokensSql, "token_created")]
    [InlineData(SqliteCatalogue.TriggersDueSql, "COVERING INDEX trigger_due")]
    [InlineData(SqliteSubmissions.DeleteSql, "submission_expires")]
    public async Task No_question_reads_the_whole_table(string sql, string index)
    {
        await using var storage = await StorageHarness.Start();

        var plan = await storage.Database.Catalogue.Read(
            session => session.Query(
                new SqliteStatement("EXPLAIN QUERY PLAN " + sql, ("id", 1), ("owner", ""), ("start", 1), ("limit", 1), ("since", ""), ("user", ""), ("before", ""), ("by", ""), ("after", ""), ("state", "")),
                row => row.GetString(3)),
            default);

        plan.ShouldContain(step => step.Contains(index));
        plan.ShouldNotContain(step => step == "SCAN storage" || step.EndsWith("(state=?)"));
    }

    private static IEnumerable<int> Ids(JobPage page) => page.Jobs.Select(job => job.Id.Value);
}
