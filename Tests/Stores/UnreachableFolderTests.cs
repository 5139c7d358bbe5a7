using System.Text;
using Builds.Jobs;
using Builds.Logs;
using Builds.Stores;
using Microsoft.Extensions.Logging.Abstractions;

namespace Builds.Tests.Stores;

/// <summary>A shared directory that goes away for a while, and what a silo says and does meanwhile.</summary>
public sealed class UnreachableFolderTests : IDisposable
{
    private static readonly JobId Job = new(7);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly TempFolder folder = new();
    private readonly TestClock clock = new(Some.Time);
    private readonly FileLogStore store;

    public UnreachableFolderTests() => store = new FileLogStore(Root, new StorePatience(waits: true, clock, NullLogger.Instance));

    private string Root => Path.Combine(folder.Path, "store");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_writer_waits_and_loses_nothing()
    {
        await using var log = await store.Create(Job, 1, "a", default);
        await log.Append("one "u8.ToArray(), default);
        Leave();

        var append = log.Append("two"u8.ToArray(), default).AsTask();
        clock.Advance(TimeSpan.FromSeconds(10));
        append.IsCompleted.ShouldBeFalse();
        Return();
        await Passing(append);
        await log.Seal(default);

        (await store.Find(Job, 1, "a", default)).ShouldBe(new LogState(7, Sealed: true));
        (await Text()).ShouldBe("one two");
    }

    [Fact]
    public async Task Beginning_and_sealing_wait_too()
    {
        (await store.Create(Job, 1, null, default)).ShouldNotBeNull();
        Leave();
        await File.WriteAllTextAsync(Root, "in the way");
        var create = store.Create(Job, 1, "a", default);
        create.IsCompleted.ShouldBeFalse();
        File.Delete(Root);
        Return();
        await Passing(create);
        await using var log = await create;
        Leave();

        var seal = log.Seal(default).AsTask();
        seal.IsCompleted.ShouldBeFalse();
        Return();
        await Passing(seal);

        (await store.Find(Job, 1, "a", default)).ShouldBe(new LogState(0, Sealed: true));
    }

    [Fact]
    public async Task What_was_given_up_waiting_is_shown_once_when_the_writer_comes_again()
    {
        await using var log = await store.Create(Job, 1, "a", default);
        Leave();
        using var enough = new CancellationTokenSource();
        var append = log.Append("one "u8.ToArray(), enough.Token).AsTask();
        await enough.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(append);
        Return();
        // As if the rename had happened, and only its answer was lost.
        File.Move(store.Paths.Open(new LogKey(Job, 1, "a"), 0), store.Paths.Open(new LogKey(Job, 1, "a"), 4));

        await log.Append("one two"u8.ToArray(), default);

        (await Text()).ShouldBe("one two");
    }

    [Fact]
    public async Task A_writer_that_leaves_does_not_wait()
    {
        var writer = new LogWriter(await store.Create(Job, 1, "a", default), clock);
        await writer.Write("one"u8.ToArray(), default);
        Leave();
        clock.Advance(LogWriter.FirstByte);

        await writer.DisposeAsync().AsTask().WaitAsync(Bound);

        Return();
        (await store.Close(Job, 1, default)).ShouldBe([new LogLength("a", 0)]);
    }

    [Fact]
    public async Task Its_health_says_so_and_the_mark_stays_the_same_for_every_silo()
    {
        var (health, other) = (new FolderHealth(Root, ".ready-a", clock), new FolderHealth(Root, ".ready-b", clock));
        var id = await health.StoreId(default);

        (await other.StoreId(default)).ShouldBe(id);
        (await new FolderHealth(Root + ".else", ".ready-b", clock).StoreId(default)).ShouldNotBe(id);
        (await health.Missing(default)).ShouldBeNull();
        Leave();
        (await health.Missing(default)).ShouldStartWith($"the store {Root} cannot be written: ");
        Return();
        (await health.Missing(default)).ShouldBeNull();
        Directory.EnumerateFiles(Root).Select(Path.GetFileName).ShouldBe(["store.json"]);
    }

    [Fact]
    public async Task A_start_removes_what_the_silo_of_that_name_left_half_and_nothing_of_others()
    {
        var (a, b) = (Artifacts("a"), Artifacts("b"));
        using var content = new HeldStream();
        var storing = b.Store(Job, 1, 1, "file", content, default);
        Directory.CreateDirectory(Path.Combine(Root, "incoming", "a"));
        await File.WriteAllTextAsync(Path.Combine(Root, "incoming", "a", "7.1.1.half"), "half");

        a.RemoveUnfinished();
        content.End.SetResult();

        var artifact = await storing.WaitAsync(Bound);
        await using var stored = await a.Open(Job, artifact.Key, "file", default);
        stored.ShouldNotBeNull();
        Directory.Exists(Path.Combine(Root, "incoming", "a")).ShouldBeFalse();
        Directory.EnumerateFiles(Path.Combine(Root, "incoming", "b")).ShouldBeEmpty();
    }

    private FileArtifactStore Artifacts(string silo) => new(Root, clock, silo, StorePatience.None);

    private void Leave() => Directory.Move(Root, Root + ".away");

    private void Return() => Directory.Move(Root + ".away", Root);

    private async Task Passing(Task task)
    {
        using var bound = new CancellationTokenSource(Bound);
        while (!task.IsCompleted)
        {
            bound.Token.ThrowIfCancellationRequested();
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(task, Task.Delay(TimeSpan.FromMilliseconds(10), bound.Token));
        }

        await task;
    }

    private async Task<string> Text()
    {
        var buffer = new byte[100];
        return Encoding.UTF8.GetString(buffer, 0, await store.Read(Job, 1, "a", 0, buffer, default));
    }

    /// <summary>Ends when the test says so.</summary>
    private sealed class HeldStream : MemoryStream
    {
        public TaskCompletionSource End { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await End.Task;
            return 0;
        }
    }
}
