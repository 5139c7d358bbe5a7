using Builds.Jobs;
using Builds.Storage;
using Builds.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Builds.Tests.Storage;

public sealed class SubmissionSweepTests
{
    [Theory, OnBoth]
    public async Task Keys_that_expired_over_an_hour_ago_are_deleted_and_no_others(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        var expired = Enumerable.Range(0, 250).Select(number => (Key: SubmissionKey.For("mia", $"{number}"), Expires: Some.Time.AddSeconds(number))).ToList();
        var (young, now) = (SubmissionKey.For("mia", "young"), Some.Time.AddSeconds(250) + SubmissionSweep.Interval);
        await Task.WhenAll(expired.Append((young, now - SubmissionSweep.Interval)).Select(entry => storage.Write(
            "submission", StorageHarness.Named(entry.Item1), new GrainState<SubmissionState>(new SubmissionState { Job = new JobId(1), Expires = entry.Item2 }))));
        await storage.Write(Jobs.Queued(1));
        using var sweep = new SubmissionSweep(storage.Submissions, new FakeTimeProvider(now), NullLogger<SubmissionSweep>.Instance);

        (await sweep.Run(default)).ShouldBe(250);
        (await sweep.Run(default)).ShouldBe(0);

        (await storage.Read<SubmissionState>("submission", StorageHarness.Named(young))).RecordExists.ShouldBeTrue();
        (await storage.Read<SubmissionState>("submission", StorageHarness.Named(expired[0].Key))).RecordExists.ShouldBeFalse();
        (await storage.Catalogue.Find(new JobId(1), default)).ShouldNotBeNull();
    }
}
