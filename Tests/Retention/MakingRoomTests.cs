using System.Collections.Concurrent;
using Builds.Jobs;
using Builds.Space;

namespace Builds.Tests.Retention;

/// <summary>What goes before its time when a disk fills up, in which order, and what stays. No worker: jobs are brought to their end by hand.</summary>
public sealed class MakingRoomTests
{
    private const long Gigabyte = FakeDiskSpace.Gigabyte;

    [Fact]
    public async Task Logs_and_artifacts_go_oldest_first_until_there_is_room_and_records_stay()
    {
        await using var cluster = await BuildsTestCluster.Start(withWorker: false);
        var jobs = new List<JobId>();
        for (var i = 0; i < 14; i++)
        {
            jobs.Add(await cluster.Ended());
            cluster.Clock.Advance(TimeSpan.FromMinutes(10));
        }

        await cluster.Submit();
        var deleted = new ConcurrentQueue<(string What, JobId Job)>();
        cluster.Logs.Deleting = async (what, job) =>
        {
            var record = (await cluster.Job(job).Get())!;
            (what == "logs" ? record.LogsExpired : record.ArtifactsExpired).ShouldNotBeNull("the record says it before the files go");
            deleted.Enqueue((what, job));
            if (what == "logs" && job == jobs[2])
                cluster.Disks.LogsFree = 4 * Gigabyte;
        };

        // The mark is twice that of the worker. Artifacts never get enough: all go but the youngest ones'.
        (cluster.Disks.LogsFree, cluster.Disks.ArtifactsFree) = (4 * Gigabyte - 1, 4 * Gigabyte - 1);
        await cluster.AdvanceUntil(() => Task.FromResult(deleted.Contains(("artifacts", jobs[8]))), "the eldest are gone");
        var end = cluster.Clock.GetUtcNow() + 3 * SpaceWatch.Interval;
        await cluster.AdvanceUntil(() => Task.FromResult(cluster.Clock.GetUtcNow() > end), "more looks");

        deleted.Where(gone => gone.What == "logs").Select(gone => gone.Job).ShouldBe(jobs[..3]);
        deleted.Where(gone => gone.What == "artifacts").Select(gone => gone.Job).ShouldBe(jobs[..9], "the others ended less than an hour ago");
        (await cluster.Job(jobs[8]).Get())!.ShouldSatisfyAllConditions(
            job => job.ArtifactsExpired.ShouldNotBeNull(),
            job => job.Artifacts.Length.ShouldBe(1),
            job => job.LogsExpired.ShouldBeNull());
    }

    [Fact]
    public async Task Where_records_cannot_be_stored_files_go_first_and_the_records_say_so_later()
    {
        var storage = new FakeStorage();
        await using var cluster = await BuildsTestCluster.Start(withWorker: false, storage: storage);
        JobId[] jobs = [await cluster.Ended(), await cluster.Ended()];
        cluster.Clock.Advance(TimeSpan.FromHours(2));
        var deleted = new ConcurrentQueue<(string What, JobId Job)>();
        cluster.Logs.Deleting = (what, job) =>
        {
            deleted.Enqueue((what, job));
            return Task.CompletedTask;
        };

        storage.IsFull = true;
        cluster.Disks.LogsFree = 0;
        await cluster.AdvanceUntil(() => Task.FromResult(deleted.Contains(("logs", jobs[1]))), "files are gone");
        (await cluster.Job(jobs[1]).Get())!.LogsExpired.ShouldBeNull();
        storage.IsFull = false;
        cluster.Disks.LogsFree = 50 * Gigabyte;

        await cluster.AdvanceUntil(
            async () => (await cluster.Job(jobs[0]).Get())!.LogsExpired is not null && (await cluster.Job(jobs[1]).Get())!.LogsExpired is not null, "the records say so");
        deleted.ShouldAllBe(gone => gone.What == "logs");
    }
}
