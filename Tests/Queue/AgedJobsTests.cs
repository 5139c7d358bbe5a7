using Builds.Jobs;
using Builds.Queue;
using CsCheck;

namespace Builds.Tests.Queue;

/// <summary>The pieces of a line against a sorted set, over so many jobs that pieces are split, joined and emptied.</summary>
public sealed class AgedJobsTests
{
    private static readonly OwnerLine Line = new(new OwnerEntry("mia"), new JobKind("host", [], anyWorker: false));

    [Theory]
    [InlineData(3)]
    [InlineData(600)]
    [InlineData(3000)]
    public void They_are_in_the_order_of_age_whatever_comes_and_goes(int many)
    {
        // Seconds are few, so that many jobs are of one age and their ids decide.
        var steps = Gen.Select(Gen.Int[0, 9], Gen.Int[0, many / 2], Gen.Int[1, many]).Array[2 * many];
        steps.Sample(drawn =>
        {
            var jobs = new AgedJobs();
            var expected = new SortedSet<QueuedJob>(QueuedJob.OldestFirst);
            var byId = new Dictionary<int, QueuedJob>();
            var last = many;
            foreach (var (kind, second, id) in drawn)
            {
                if (kind <= 4)
                    Add(Job(++last, last));
                else if (kind <= 6 && !byId.ContainsKey(id))
                    Add(Job(id, second));
                else if (kind <= 8 && byId.TryGetValue(id, out var job))
                    Remove(job);
                else if (expected.Min is { } oldest)
                    Remove(oldest);
            }

            jobs.All.ShouldBe(expected);
            Walk(jobs, expected);
            // Then as most go: some in the middle, and the rest from the front.
            foreach (var job in byId.Values.Where(job => job.Id.Value % 7 != 0).ToList())
                Remove(job);
            Walk(jobs, expected);
            while (jobs.Oldest is { } next)
                Remove(next);
            expected.ShouldBeEmpty();
            jobs.Count.ShouldBe(0);

            void Add(QueuedJob job)
            {
                jobs.Add(job);
                expected.Add(job).ShouldBeTrue();
                byId.Add(job.Id.Value, job);
                jobs.Oldest.ShouldBe(expected.Min);
            }

            void Remove(QueuedJob job)
            {
                jobs.Remove(job);
                expected.Remove(job).ShouldBeTrue();
                byId.Remove(job.Id.Value);
                jobs.Oldest.ShouldBe(expected.Min);
            }
        }, iter: Rounds.Of(10));
    }

    [Fact]
    public void One_that_is_not_there_cannot_be_removed()
    {
        var jobs = new AgedJobs();
        Should.Throw<ArgumentException>(() => jobs.Remove(Job(1, 1))).Message.ShouldContain("job 1");
        jobs.Add(Job(1, 1));
        Should.Throw<ArgumentException>(() => jobs.Remove(Job(2, 0)));
        Should.Throw<ArgumentException>(() => jobs.Remove(Job(3, 2)));
        Should.Throw<ArgumentOutOfRangeException>(() => jobs.At(1));
        jobs.All.Select(job => job.Id.Value).ShouldBe([1]);
    }

    private static void Walk(AgedJobs jobs, SortedSet<QueuedJob> expected)
    {
        jobs.Count.ShouldBe(expected.Count);
        foreach (var (index, job) in expected.Index())
        {
            jobs.CountBefore(job).ShouldBe(index);
            jobs.At(index).ShouldBe(job);
        }
    }

    private static QueuedJob Job(int id, int second) => new(new QueuedFacts(new JobId(id), "mia", "host", [], 0, Some.Time.AddSeconds(second), 1, 0), Line);
}
