using System.Text;
using Builds.Jobs;
using Builds.Logs;
using Builds.Stores;
using Builds.Stores.S3;
using Builds.Tests.Logs;

namespace Builds.Tests.Stores.S3;

/// <summary>Logs as segments: what becomes of them when calls fail, when writers are frozen, and when many segments become one object.</summary>
public sealed class ObjectLogTests : IDisposable
{
    private const int Size = 100;
    private static readonly JobId Job = new(7);
    private static readonly LogKey Key = new(Job, 1, "a");

    private readonly ObjectStores stores = new();
    private readonly MemoryBucket bucket = new();

    public void Dispose() => stores.Dispose();

    [Fact]
    public async Task A_lost_answer_to_whichever_call_changes_nothing()
    {
        var calls = await Life(_ => Mishap.None);
        calls.ShouldBeGreaterThan(10);

        for (var lost = 0; lost < calls; lost++)
        {
            await Life(call => call == lost ? Mishap.AnswerLost : Mishap.None);
            await Life(call => call == lost ? Mishap.Refused : Mishap.None);
        }
    }

    [Fact]
    public async Task What_was_given_up_waiting_is_shown_once_when_the_writer_comes_again()
    {
        var store = stores.Over(bucket);
        await using var log = await store.Create(Job, 1, "a", default);
        using var enough = new CancellationTokenSource();
        bucket.Fate = (call, _) =>
        {
            enough.Cancel();
            return call == "put-new" ? Mishap.AnswerLost : Mishap.Refused;
        };
        await Should.ThrowAsync<OperationCanceledException>(async () => await log.Append("one "u8.ToArray(), enough.Token));
        bucket.Fate = (_, _) => Mishap.None;
        // Others see it, so this silo must not say otherwise.
        (await store.Find(Job, 1, "a", default)).ShouldBe(new LogState(4, Sealed: false));

        await log.Append("one two"u8.ToArray(), default);
        await log.Seal(default);

        (await Text(stores.Over(bucket))).ShouldBe("one two");
    }

    [Fact]
    public async Task Many_segments_become_one_object_and_readers_who_knew_them_read_on()
    {
        var (store, reader) = (stores.Over(bucket), stores.Over(bucket));
        await using var log = await store.Create(Job, 1, "a", default);
        await Append(log, 20);
        (await reader.Find(Job, 1, "a", default)).ShouldBe(new LogState(20 * Size, Sealed: false));
        await Append(log, 20, from: 20);
        await log.Seal(default);

        await stores.Compaction(bucket).Compact(Key, default);

        bucket.Keys.ShouldBe([
            .. new[] { "begun", "log", $"s-{39 * Size:D19}", $"s-{40 * Size:D19}" }.Select(name => $"logs/0/0/7/1/task-a/{name}"),
        ]);
        await Whole(reader, 40);
        await Whole(stores.Over(bucket), 40);
        (await store.Close(Job, 1, default)).ShouldBe([new LogLength("a", 40 * Size)]);
    }

    [Fact]
    public async Task Cut_off_at_whichever_call_putting_together_is_done_by_the_next_try_and_no_byte_is_missing_meanwhile()
    {
        for (var cut = 0; ; cut++)
        {
            var place = new MemoryBucket();
            var store = stores.Over(place);
            await using var log = await store.Create(Job, 1, "a", default);
            await Append(log, 10);
            await log.Seal(default);
            var (calls, isCut) = (0, false);
            place.Fate = (_, _) => calls++ == cut || isCut ? Fail(ref isCut) : Mishap.None;
            try
            {
                await stores.Compaction(place).Compact(Key, default);
            }
            catch (IOException) when (isCut)
            {
                // As if the silo had been killed there.
            }

            place.Fate = (_, _) => Mishap.None;
            await Whole(stores.Over(place), 10);
            await stores.Compaction(place).Compact(Key, default);
            await Whole(stores.Over(place), 10);
            place.Keys.Count.ShouldBe(4);
            if (!isCut)
            {
                cut.ShouldBeGreaterThan(10, "calls of one run");
                return;
            }
        }

        static Mishap Fail(ref bool isCut)
        {
            var fate = isCut ? Mishap.Refused : Mishap.AnswerLost;
            isCut = true;
            return fate;
        }
    }

    [Fact]
    public async Task A_frozen_writer_finds_out_also_when_its_log_was_closed_and_put_together_meanwhile()
    {
        var store = stores.Over(bucket);
        await using var log = await store.Create(Job, 1, "a", default);
        await Append(log, 10);
        using var enough = new CancellationTokenSource();
        bucket.Fate = (call, _) =>
        {
            enough.Cancel();
            return call == "put-new" ? Mishap.AnswerLost : Mishap.Refused;
        };
        await Should.ThrowAsync<OperationCanceledException>(async () => await Append(log, 1, from: 10, enough.Token));
        bucket.Fate = (_, _) => Mishap.None;
        var other = stores.Over(bucket);
        (await other.Close(Job, 1, default)).ShouldBe([new LogLength("a", 11 * Size)]);
        await stores.Compaction(bucket).Compact(Key, default);

        await Should.ThrowAsync<AttemptClosedException>(async () => await log.Append(LogProgram.Pattern(10 * Size, 2 * Size), default));

        await Whole(other, 11);
        await Whole(stores.Over(bucket), 11);
    }

    [Fact]
    public async Task Reading_again_and_reading_little_by_little_costs_no_more_calls()
    {
        var store = stores.Over(bucket);
        await using var log = await store.Create(Job, 1, "a", default);
        await Append(log, 10);
        await log.Seal(default);
        var reader = stores.Over(bucket);
        await Whole(reader, 10);
        var before = bucket.Calls.Count;

        var one = new byte[1];
        for (var offset = 0; offset < 10 * Size; offset++)
        {
            (await reader.Read(Job, 1, "a", offset, one, default)).ShouldBe(1);
            one[0].ShouldBe(LogProgram.Pattern(offset, 1)[0]);
        }

        (await reader.Find(Job, 1, "a", default)).ShouldBe(new LogState(10 * Size, Sealed: true));
        bucket.Calls.Count.ShouldBe(before);
    }

    [Fact]
    public async Task Deleted_is_everything_of_the_job_and_nothing_of_its_neighbours()
    {
        var store = stores.Over(bucket);
        foreach (var job in new[] { Job, new JobId(70) })
        {
            await using var log = await store.Create(job, 1, "a", default);
            await log.Append("kept"u8.ToArray(), default);
            await log.Seal(default);
            await store.Close(job, 2, default);
        }

        await store.Delete(Job, default);
        await store.Delete(Job, default);

        bucket.Keys.ShouldAllBe(key => key.StartsWith("logs/0/0/70/", StringComparison.Ordinal));
        (await store.Find(Job, 1, "a", default)).ShouldBeNull();
        (await store.Find(new JobId(70), 1, "a", default)).ShouldBe(new LogState(4, Sealed: true));
    }

    /// <summary>All that happens to a log, once on each way to its end; returns the number of calls.</summary>
    private async Task<int> Life(Func<int, Mishap> fate)
    {
        var calls = 0;
        var place = new MemoryBucket { Fate = (_, _) => fate(calls++) };
        var (writer, other) = (stores.Over(place), stores.Over(place));
        await using var done = await writer.Create(Job, 1, "a", default);
        await Append(done, 3);
        await done.Seal(default);
        await using var left = await writer.Create(Job, 1, "b", default);
        await Append(left, 2);
        await Again(() => other.Close(Job, 1, default));
        await Should.ThrowAsync<AttemptClosedException>(async () => await left.Append("more"u8.ToArray(), default));
        await Should.ThrowAsync<AttemptClosedException>(async () => await writer.Create(Job, 1, "c", default));
        place.Fate = (_, _) => Mishap.None;
        (await other.Close(Job, 1, default)).ShouldBe([new LogLength("a", 3 * Size), new LogLength("b", 2 * Size)]);
        await Whole(stores.Over(place), 3);
        return calls;
    }

    private static async Task Again(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (IOException)
        {
            await call();
        }
    }

    private static async Task Append(ILogAppender log, int times, int from = 0, CancellationToken cancellationToken = default)
    {
        for (var append = from; append < from + times; append++)
            await log.Append(LogProgram.Pattern(append * Size, Size), cancellationToken);
    }

    private static async Task Whole(ObjectLogStore store, int appends)
    {
        (await store.Find(Job, 1, "a", default)).ShouldBe(new LogState(appends * Size, Sealed: true));
        var bytes = new byte[(appends * Size) + 1];
        var count = 0;
        while (await store.Read(Job, 1, "a", count, bytes.AsMemory(count), default) is > 0 and var read)
            count += read;
        bytes.AsSpan(0, count).SequenceEqual(LogProgram.Pattern(0, appends * Size)).ShouldBeTrue("what is read is what was written");
    }

    private static async Task<string> Text(ObjectLogStore store)
    {
        var buffer = new byte[100];
        return Encoding.UTF8.GetString(buffer, 0, await store.Read(Job, 1, "a", 0, buffer, default));
    }
}
