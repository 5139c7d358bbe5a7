using System.Text;
using Builds.Jobs;
using Builds.Logs;
using Builds.Stores.S3;

namespace Builds.Tests.Stores.S3;

/// <summary>A real S3 server that goes away for a while, in each of the ways that a network and a busy service have, and what a silo says and does meanwhile.</summary>
public sealed class UnreachableBucketTests : IDisposable
{
    private static readonly JobId Job = new(7);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(120);

    private readonly ObjectStores stores = new();
    private readonly TestClock clock = new(Some.Time);

    public void Dispose() => stores.Dispose();

    [S3Theory]
    [InlineData(nameof(Passage.Cut))]
    [InlineData(nameof(Passage.Hangs))]
    [InlineData(nameof(Passage.SlowDown))]
    [InlineData(nameof(Passage.AnswerLost))]
    public async Task Beginning_writing_and_sealing_wait_and_lose_nothing(string how)
    {
        await using var door = await S3Door.Open();
        var place = S3Door.Place();
        var store = stores.Over(door.Bucket(place, clock), clock);
        var passage = Enum.Parse<Passage>(how);

        ILogAppender? log = null;
        await Without(door, passage, async () => log = await store.Create(Job, 1, "a", default));
        await Without(door, passage, () => log!.Append("one "u8.ToArray(), default).AsTask());
        await log!.Append("two"u8.ToArray(), default);
        await Without(door, passage, () => log.Seal(default).AsTask());
        await log.DisposeAsync();

        var reader = stores.Over(door.Bucket(place));
        (await reader.Find(Job, 1, "a", default)).ShouldBe(new LogState(7, Sealed: true));
        var buffer = new byte[100];
        Encoding.UTF8.GetString(buffer, 0, await reader.Read(Job, 1, "a", 0, buffer, default)).ShouldBe("one two");
    }

    [S3Fact]
    public async Task An_artifact_waits_too_between_its_parts()
    {
        await using var door = await S3Door.Open();
        var artifacts = new ObjectArtifactStore(door.Bucket(S3Door.Place()), null, ObjectStores.Patience(clock), clock);
        var content = new byte[ObjectUpload.PartSize + 1];
        new Random(1).NextBytes(content);
        var parts = 0;
        var tried = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isAway = true;
        door.Keeper = request =>
        {
            if (!Volatile.Read(ref isAway) || !request.Query.ContainsKey("partNumber"))
                return Passage.Through;
            if (Interlocked.Increment(ref parts) == 3)
                tried.TrySetResult();
            return Passage.SlowDown;
        };

        var storing = artifacts.Store(Job, 1, 1, "file", new MemoryStream(content), default);
        await Passing(Task.WhenAny(tried.Task, storing), TimeSpan.FromSeconds(1));
        storing.IsCompleted.ShouldBeFalse();
        Volatile.Write(ref isAway, false);
        await Passing(storing);

        await using var stored = await artifacts.Open(Job, (await storing).Key, "file", default);
        using var copy = new MemoryStream();
        await stored!.CopyToAsync(copy);
        copy.ToArray().AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [S3Fact]
    public async Task A_writer_that_leaves_does_not_wait()
    {
        await using var door = await S3Door.Open();
        var place = S3Door.Place();
        var store = stores.Over(door.Bucket(place, clock), clock);
        var writer = new LogWriter(await store.Create(Job, 1, "a", default), clock);
        await writer.Write("one"u8.ToArray(), default);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        door.Keeper = _ =>
        {
            asked.TrySetResult();
            return Passage.Hangs;
        };
        clock.Advance(LogWriter.FirstByte);
        await asked.Task.WaitAsync(Bound);

        await writer.DisposeAsync().AsTask().WaitAsync(Bound);

        door.Keeper = _ => Passage.Through;
        (await store.Close(Job, 1, default)).ShouldBe([new LogLength("a", 0)]);
    }

    [S3Fact]
    public async Task Its_health_says_so_and_the_mark_stays_the_same_for_every_silo()
    {
        await using var door = await S3Door.Open();
        var place = S3Door.Place();
        var (health, other) = (new BucketHealth(door.Bucket(place, clock), ".ready-a", clock), new BucketHealth(door.Bucket(place, clock), ".ready-b", clock));

        var ids = await Task.WhenAll(health.StoreId(default), other.StoreId(default));

        ids[0].ShouldBe(ids[1]);
        (await new BucketHealth(door.Bucket(S3Door.Place()), ".ready-a", clock).StoreId(default)).ShouldNotBe(ids[0]);
        (await health.Missing(default)).ShouldBeNull();
        door.Keeper = _ => Passage.SlowDown;
        (await health.Missing(default)).ShouldStartWith($"the store {place} cannot be written: the S3 service of {place} at {door.Options.Endpoint} answers 503 SlowDown");
        door.Keeper = _ => Passage.Hangs;
        var asked = health.Missing(default);
        await Passing(asked);
        (await asked).ShouldBe($"the store {place} does not answer within 3 s");
        door.Keeper = _ => Passage.Through;
        // What hangs is given up first.
        clock.Advance(S3Bucket.Patience);
        var again = Task.Run(async () =>
        {
            while (await health.Missing(default) is not null)
                await Task.Yield();
        });
        await Passing(again);
    }

    [S3Fact]
    public async Task A_service_that_ignores_conditions_is_refused()
    {
        await using var door = await S3Door.Open();
        door.KnowsConditions = false;

        var error = await Should.ThrowAsync<IOException>(new BucketHealth(door.Bucket(S3Door.Place()), ".ready-a", clock).StoreId(default));

        error.Message.ShouldContain("writes an object that is there already although it was asked not to (If-None-Match: *)");
    }

    /// <summary>Nothing goes through; when the service was asked in vain several times it is back, and what waited ends.</summary>
    private async Task Without(S3Door door, Passage how, Func<Task> act)
    {
        var (asked, tried) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        door.Keeper = _ =>
        {
            if (Interlocked.Increment(ref asked) == 3)
                tried.TrySetResult();
            return how;
        };
        var waiting = act();
        await Passing(Task.WhenAny(tried.Task, waiting), TimeSpan.FromSeconds(1));
        waiting.IsCompleted.ShouldBeFalse();
        door.Keeper = _ => Passage.Through;
        await Passing(waiting);
    }

    /// <param name="step">How far the clock goes in a tenth of a second; fast is for what waits in vain, since answers need real time.</param>
    private async Task Passing(Task task, TimeSpan? step = null)
    {
        using var bound = new CancellationTokenSource(Bound);
        while (!task.IsCompleted)
        {
            bound.Token.ThrowIfCancellationRequested();
            clock.Advance(step ?? TimeSpan.FromMilliseconds(100));
            await Task.WhenAny(task, Task.Delay(TimeSpan.FromMilliseconds(100), bound.Token));
        }

        await task;
    }
}
