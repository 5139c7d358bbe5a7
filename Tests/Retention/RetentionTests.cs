using System.Collections.Concurrent;
using Builds.Jobs;
using Builds.Retention;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Tests.Retention;

/// <summary>What is deleted, when, and in which order. No worker and no build: jobs are brought to their end by hand.</summary>
public sealed class RetentionTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task Artifacts_are_deleted_90_days_after_the_end_of_their_job_and_stay_listed()
    {
        await using var cluster = await Start();
        var old = await cluster.Ended();
        cluster.Clock.Advance(45 * Day);
        var young = await cluster.Ended();
        var deleted = Deletions(cluster, async job => (await cluster.Job(job).Get())!.ArtifactsExpired.ShouldNotBeNull("the record says it before the files go"));

        cluster.Clock.Advance(44.9 * Day);
        await Round(cluster);
        deleted.ShouldBeEmpty();
        cluster.Clock.Advance(0.2 * Day);
        await Round(cluster);

        deleted.ShouldBe([("artifacts", old)]);
        var job = (await cluster.Job(old).Get())!;
        job.Artifacts.Length.ShouldBe(1);
        job.Updated.ShouldBe(job.Finished!.Value, "its age still counts from its end");
        ((await cluster.Job(young).Get())!.ArtifactsExpired, job.LogsExpired).ShouldBe((null, null));
    }

    [Fact]
    public async Task Logs_are_deleted_when_the_setting_says_so()
    {
        await using var cluster = await Start(options => (options.LogAge, options.ArtifactAge) = (3 * Day, null));
        var job = await cluster.Ended();
        var deleted = Deletions(cluster);

        cluster.Clock.Advance(3.1 * Day);
        await Round(cluster);

        deleted.ShouldBe([("logs", job)]);
        var seen = (await cluster.Job(job).Get())!;
        seen.LogsExpired.ShouldNotBeNull();
        seen.ArtifactsExpired.ShouldBeNull();
    }

    [Fact]
    public async Task A_job_that_is_too_old_is_gone_for_everybody_before_its_files_are_and_leaves_nothing()
    {
        await using var cluster = await Start(options => options.JobAge = 3 * Day);
        var job = await cluster.Ended();
        var deleted = Deletions(cluster, async gone =>
        {
            (await cluster.Job(gone).Get()).ShouldBeNull();
            (await cluster.Storage.Find(gone, default)).ShouldBeNull();
            (await cluster.Storage.List("mia", null, 10, default)).Total.ShouldBe(0);
            await Should.ThrowAsync<InvalidOperationException>(() => cluster.Job(gone).Submit(Some.Submission()));
        });

        cluster.Clock.Advance(3.1 * Day);
        await Round(cluster);

        deleted.ShouldBe([("logs", job), ("artifacts", job)]);
        (await cluster.Storage.Deleted(10, default)).ShouldBeEmpty();
        (await cluster.Job(job).Cancel()).ShouldBeOfType<JobChange.NotFound>();
        (await cluster.Job(job).Expire(JobPart.Record)).ShouldBeFalse();
        cluster.Storage.Records.ShouldBe(2, "of the ids, and of the rounds");
    }

    [Fact]
    public async Task Jobs_beyond_the_number_of_each_owner_are_deleted_oldest_first_but_none_that_ended_lately()
    {
        await using var cluster = await Start(options => options.JobsPerOwner = 2);
        JobId[] old = [await cluster.Ended(), await cluster.Ended(), await cluster.Ended(), await cluster.Ended("noa")];
        cluster.Clock.Advance(2.1 * Day);
        JobId[] young = [await cluster.Ended(), await cluster.Ended(), await cluster.Ended()];

        await Round(cluster);

        (await Existing(cluster, old)).ShouldBe([old[3]], "noa has one");
        (await Existing(cluster, young)).ShouldBe(young, "three, of which none is two days old");
    }

    [Fact]
    public async Task Jobs_that_have_not_ended_are_kept_whatever_their_age()
    {
        await using var cluster = await Start(options => (options.JobAge, options.LogAge, options.JobsPerOwner) = (3 * Day, 3 * Day, 1));
        var pending = await cluster.Submit(execute: false);
        var queued = await cluster.Submit();
        var running = await cluster.Submit();
        await cluster.Job(running.Id).Claim(new JobClaim("worker", 1, "d"));
        var deleted = Deletions(cluster);

        cluster.Clock.Advance(1000 * Day);
        await Round(cluster);

        deleted.ShouldBeEmpty();
        foreach (var job in new[] { pending, queued, running })
        {
            (await cluster.Job(job.Id).Get()).ShouldNotBeNull();
            foreach (var part in Enum.GetValues<JobPart>())
                (await cluster.Job(job.Id).Expire(part)).ShouldBeFalse();
        }
    }

    [Theory]
    [InlineData("logs")]
    [InlineData("artifacts")]
    public async Task What_was_interrupted_is_completed_by_the_next_round(string at)
    {
        await using var cluster = await Start(options => (options.JobAge, options.ArtifactAge) = (3 * Day, null));
        var job = await cluster.Ended();
        var fails = true;
        var deleted = Deletions(cluster, _ => Task.CompletedTask, what =>
        {
            if (fails && what == at)
                throw new IOException("the test said that this fails");
        });

        cluster.Clock.Advance(3.1 * Day);
        await Round(cluster);
        (await cluster.Storage.Deleted(10, default)).Select(left => left.Id).ShouldBe([job]);
        fails = false;
        cluster.Clock.Advance(TimeSpan.FromHours(1));
        await Round(cluster);

        (await cluster.Storage.Deleted(10, default)).ShouldBeEmpty();
        deleted.Distinct().ShouldBe([("logs", job), ("artifacts", job)], ignoreOrder: true);
    }

    [Fact]
    public async Task Files_of_an_expired_record_are_deleted_by_a_later_silo_and_nothing_is_deleted_twice()
    {
        var storage = new FakeStorage();
        JobId job;
        await using (var first = await Start(storage: storage))
        {
            job = await first.Ended();
            first.Clock.Advance(91 * Day);
            first.Logs.Deleting = (_, _) => throw new IOException("the test said that this fails");
            await Round(first);
            (await first.Job(job).Get())!.ArtifactsExpired.ShouldNotBeNull();
        }

        foreach (var expected in new[] { 1, 0 })
        {
            await using var later = await Start(storage: storage);
            later.Clock.Advance(92 * Day);
            var deleted = Deletions(later);

            await Round(later);

            deleted.Count.ShouldBe(expected);
        }
    }

    [Fact]
    public async Task Many_jobs_are_handled_in_many_steps()
    {
        await using var cluster = await Start(options => options.JobAge = 3 * Day);
        var jobs = new List<JobId>();
        for (var i = 0; i < 25; i++)
            jobs.Add(await cluster.Ended());
        cluster.Clock.Advance(3.1 * Day);

        await Round(cluster);

        (await Existing(cluster, [.. jobs])).ShouldBeEmpty();
    }

    private static Task<BuildsTestCluster> Start(Action<RetentionOptions>? configure = null, FakeStorage? storage = null) =>
        BuildsTestCluster.Start(withWorker: false, storage: storage, configure: services => services.Configure(configure ?? (static _ => { })));

    private static async Task<JobId[]> Existing(BuildsTestCluster cluster, JobId[] jobs)
    {
        var existing = new List<JobId>();
        foreach (var job in jobs)
        {
            if (await cluster.Job(job).Get() is not null)
                existing.Add(job);
        }

        return [.. existing];
    }

    /// <summary>All that is deleted from now on, in order; before each, what <paramref name="check"/> says must hold.</summary>
    private static ConcurrentQueue<(string What, JobId Job)> Deletions(BuildsTestCluster cluster, Func<JobId, Task>? check = null, Action<string>? fail = null)
    {
        var deleted = new ConcurrentQueue<(string, JobId)>();
        cluster.Logs.Deleting = async (what, job) =>
        {
            fail?.Invoke(what);
            if (check is not null)
                await check(job);
            deleted.Enqueue((what, job));
        };
        return deleted;
    }

    /// <summary>One whole round.</summary>
    private static async Task Round(BuildsTestCluster cluster)
    {
        var retention = cluster.Grains.GetGrain<IRetentionGrain>(IRetentionGrain.Key);
        var before = await retention.Rounds();
        await retention.Wake();
        await cluster.AdvanceUntil(async () => await retention.Rounds() > before, "a round of retention is over");
    }
}
