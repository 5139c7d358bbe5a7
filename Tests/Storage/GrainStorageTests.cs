using Builds.Jobs;
using Builds.Support;
using Builds.Users;
using Orleans.Storage;

namespace Builds.Tests.Storage;

/// <summary>The storage provider with our statements, on a real file and a real server.</summary>
public sealed class GrainStorageTests
{
    [Theory, OnBoth]
    public async Task A_record_is_read_as_it_was_written_also_by_the_next_process(DatabaseKind database)
    {
        var job = Jobs.Full(7);
        await using var first = await StorageHarness.Start(database);
        await first.Write(job);
        await using var second = await StorageHarness.Start(database, first.Place);

        var read = await second.Read<JobState>("job", StorageHarness.Job(7));

        read.RecordExists.ShouldBeTrue();
        read.ETag.ShouldBe("1");
        read.State!.ShouldBeEquivalentTo(job);
    }

    [Fact]
    public async Task The_database_of_a_stopped_silo_is_one_file()
    {
        var folder = Directory.CreateTempSubdirectory("builds-storage-");
        var file = Path.Combine(folder.FullName, "builds.db");
        await using (var storage = await StorageHarness.Start(file))
            await storage.Write(Jobs.Full(7));

        folder.GetFiles().Select(left => left.Name).ShouldBe(["builds.db"], "which can be copied");
        folder.Delete(recursive: true);
    }

    [Theory, OnBoth]
    public async Task A_grain_without_a_record_gets_the_empty_state(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);

        var read = await storage.Read<JobState>("job", StorageHarness.Job(1));

        read.RecordExists.ShouldBeFalse();
        read.ETag.ShouldBeNull();
        read.State!.Exists().ShouldBeFalse();
    }

    [Theory, OnBoth]
    public async Task A_write_from_an_old_version_is_refused_and_changes_nothing(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        var stale = await storage.Write(Jobs.Full(1));
        var current = await storage.Read<JobState>("job", StorageHarness.Job(1));
        current.State = current.State! with { Note = "current" };
        await storage.Write("job", StorageHarness.Job(1), current);

        stale.State = stale.State! with { Note = "stale" };
        await Should.ThrowAsync<InconsistentStateException>(() => storage.Write("job", StorageHarness.Job(1), stale));

        (await storage.Read<JobState>("job", StorageHarness.Job(1))).State!.Note.ShouldBe("current");
    }

    [Theory, OnBoth]
    public async Task Of_first_writes_that_race_one_wins(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        var writes = Enumerable.Range(0, 20).Select(async number =>
        {
            try
            {
                await storage.Write(Jobs.Full(1) with { Note = $"{number}" });
                return $"{number}";
            }
            catch (InconsistentStateException)
            {
                return null;
            }
        });

        var winners = (await Task.WhenAll(writes)).OfType<string>().ToList();

        winners.Count.ShouldBe(1);
        (await storage.Read<JobState>("job", StorageHarness.Job(1))).State!.Note.ShouldBe(winners[0]);
    }

    [Theory, OnBoth]
    public async Task A_write_to_a_record_that_has_vanished_is_refused(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        var job = await storage.Write(Jobs.Full(1));
        await storage.Storage.ClearStateAsync("job", StorageHarness.Job(1), await storage.Read<JobState>("job", StorageHarness.Job(1)));

        await Should.ThrowAsync<InconsistentStateException>(() => storage.Write("job", StorageHarness.Job(1), job));

        (await storage.Read<JobState>("job", StorageHarness.Job(1))).RecordExists.ShouldBeFalse();
    }

    [Theory, OnBoth]
    public async Task A_cleared_record_leaves_no_row_and_can_be_written_anew(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        var job = await storage.Write(Jobs.Full(1));

        await storage.Storage.ClearStateAsync("job", StorageHarness.Job(1), job);
        (await storage.Catalogue.Find(new JobId(1), default)).ShouldBeNull();
        job.State = Jobs.Full(1);
        await storage.Write("job", StorageHarness.Job(1), job);

        (await storage.Catalogue.Find(new JobId(1), default)).ShouldNotBeNull();
    }

    [Theory, OnBoth]
    public async Task A_clear_from_an_old_version_is_refused(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        var stale = await storage.Write(Jobs.Full(1));
        await storage.Write("job", StorageHarness.Job(1), await storage.Read<JobState>("job", StorageHarness.Job(1)));

        await Should.ThrowAsync<InconsistentStateException>(() => storage.Storage.ClearStateAsync("job", StorageHarness.Job(1), stale));

        (await storage.Catalogue.Find(new JobId(1), default)).ShouldNotBeNull();
    }

    /// <summary>The provider takes keys of hex digits for numbers (b5, B5 and 0b5 are one row); those of ours have a word in front.</summary>
    [Theory, OnBoth]
    public async Task Keys_that_look_like_hex_numbers_have_rows_of_their_own(DatabaseKind database)
    {
        await using var storage = await StorageHarness.Start(database);
        string[] hashes = ["b5", "B5", "0b5", "00b5", "b5+x", new('0', 32), new('a', 32), new('a', 128)];
        var keys = hashes.Select(TokenText.GrainKey).Append(SubmissionKey.For("b5", "b5")).ToList();

        foreach (var key in keys)
            await storage.Write("token", StorageHarness.Named(key), new GrainState<TokenState>(new TokenState { User = key }));

        foreach (var key in keys)
            (await storage.Read<TokenState>("token", StorageHarness.Named(key))).State!.User.ShouldBe(key);
    }
}
