using System.Text;
using Builds.Jobs;
using Builds.Logs;
using Builds.Stores;

namespace Builds.Tests.Logs;

public sealed class FileLogStoreTests : IDisposable
{
    private static readonly JobId Job = new(1_234_567);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly TempFolder folder = new();
    private readonly FileLogStore store;

    public FileLogStoreTests() => store = new FileLogStore(folder.Path);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Appended_bytes_are_read_back_at_their_offsets()
    {
        await using var log = await store.Create(Job, 1, "build", default);

        await log.Append("one "u8.ToArray(), default);
        await log.Append("two"u8.ToArray(), default);

        (await store.Find(Job, 1, "build", default)).ShouldBe(new LogState(7, Sealed: false));
        (await Text(store, "build")).ShouldBe("one two");
        (await Text(store, "build", offset: 4)).ShouldBe("two");
        (await Text(store, "build", offset: 7)).ShouldBe("");
        (await store.Find(Job, 1, null, default)).ShouldBeNull();
        (await store.Find(Job, 2, "build", default)).ShouldBeNull();
    }

    [Fact]
    public async Task The_logs_of_all_attempts_are_deleted_and_those_of_another_job_stay()
    {
        foreach (var (job, attempt) in new[] { (Job, 1), (Job, 2), (new JobId(Job.Value + 1), 1) })
        {
            await using var log = await store.Create(job, attempt, "build", default);
            await log.Append("one"u8.ToArray(), default);
            await log.Seal(default);
        }

        await store.Delete(Job, default);
        await store.Delete(Job, default);

        (await store.Find(Job, 1, "build", default)).ShouldBeNull();
        (await store.Find(Job, 2, "build", default)).ShouldBeNull();
        (await store.Find(new JobId(Job.Value + 1), 1, "build", default)).ShouldBe(new LogState(3, Sealed: true));
    }

    [Fact]
    public async Task A_sealed_log_stays_sealed_in_a_later_process()
    {
        await using (var log = await store.Create(Job, 1, null, default))
        {
            await log.Append("all"u8.ToArray(), default);
            await log.Seal(default);
            await log.Seal(default);
            await Should.ThrowAsync<ObjectDisposedException>(async () => await log.Append("more"u8.ToArray(), default));
        }

        var later = new FileLogStore(folder.Path);
        (await later.Find(Job, 1, null, default)).ShouldBe(new LogState(3, Sealed: true));
        (await Text(later, null)).ShouldBe("all");
    }

    [Fact]
    public async Task A_log_has_one_writer()
    {
        await using (await store.Create(Job, 1, null, default))
            await Should.ThrowAsync<AttemptClosedException>(store.Create(Job, 1, null, default));

        await Should.ThrowAsync<AttemptClosedException>(new FileLogStore(folder.Path).Create(Job, 1, null, default));
    }

    [Fact]
    public async Task After_close_nothing_is_written_and_the_lengths_stay_also_in_a_later_process()
    {
        await using var setup = await store.Create(Job, 1, null, default);
        await using var done = await store.Create(Job, 1, "a", default);
        await using var running = await store.Create(Job, 1, "b", default);
        await setup.Append("setup"u8.ToArray(), default);
        await done.Append("done"u8.ToArray(), default);
        await done.Seal(default);
        await running.Append("half"u8.ToArray(), default);

        var lengths = await store.Close(Job, 1, default);

        lengths.ShouldBe([new LogLength(null, 5), new LogLength("a", 4), new LogLength("b", 4)]);
        await Should.ThrowAsync<AttemptClosedException>(async () => await running.Append("more"u8.ToArray(), default));
        await Should.ThrowAsync<AttemptClosedException>(async () => await setup.Seal(default));
        await Should.ThrowAsync<AttemptClosedException>(store.Create(Job, 1, "c", default));
        var later = new FileLogStore(folder.Path);
        (await later.Close(Job, 1, default)).ShouldBe(lengths);
        (await later.Find(Job, 1, "b", default)).ShouldBe(new LogState(4, Sealed: true));
        (await Text(later, "b")).ShouldBe("half");
        await Should.ThrowAsync<AttemptClosedException>(later.Create(Job, 1, "c", default));
    }

    [Fact]
    public async Task An_attempt_without_logs_can_be_closed_and_gets_none_later()
    {
        (await store.Close(Job, 3, default)).ShouldBeEmpty();

        await Should.ThrowAsync<AttemptClosedException>(store.Create(Job, 3, null, default));
        (await store.Find(Job, 3, null, default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_waiting_reader_is_woken_by_the_beginning_an_append_and_the_end()
    {
        var begun = store.WaitForMore(Job, 1, null, -1, default);
        begun.IsCompleted.ShouldBeFalse();
        await using var log = await store.Create(Job, 1, null, default);
        (await begun.WaitAsync(Bound)).ShouldBe(new LogState(0, Sealed: false));

        var more = store.WaitForMore(Job, 1, null, 0, default);
        more.IsCompleted.ShouldBeFalse();
        await log.Append("x"u8.ToArray(), default);
        (await more.WaitAsync(Bound)).ShouldBe(new LogState(1, Sealed: false));

        var end = store.WaitForMore(Job, 1, null, 1, default);
        end.IsCompleted.ShouldBeFalse();
        await log.Seal(default);
        (await end.WaitAsync(Bound)).ShouldBe(new LogState(1, Sealed: true));
    }

    [Fact]
    public async Task A_reader_that_leaves_is_let_go()
    {
        using var leave = new CancellationTokenSource();
        var wait = store.WaitForMore(Job, 1, null, 0, leave.Token);

        await leave.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(wait.WaitAsync(Bound));
    }

    [Fact]
    public async Task Closing_wakes_a_reader_of_a_log_that_nobody_writes_any_more()
    {
        await using (var log = await store.Create(Job, 1, null, default))
            await log.Append("left"u8.ToArray(), default);
        var wait = store.WaitForMore(Job, 1, null, 4, default);
        wait.IsCompleted.ShouldBeFalse();

        await store.Close(Job, 1, default);

        (await wait.WaitAsync(Bound)).ShouldBe(new LogState(4, Sealed: true));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("../../../etc/passwd")]
    [InlineData("a\0b")]
    public async Task A_name_never_leads_out_of_the_attempts_directory(string task)
    {
        if (task == "..")
        {
            // A good name as far as files go: nothing but a file called task-...
            await (await store.Create(Job, 1, task, default)).DisposeAsync();
            Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories).Order().Select(Path.GetFileName).ShouldBe(["task-...begun", "task-...open-0"]);
            return;
        }

        await Should.ThrowAsync<ArgumentException>(store.Create(Job, 1, task, default));
        Directory.EnumerateFileSystemEntries(folder.Path).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_an_earlier_version_left_reads_as_it_left_it_and_can_be_ended()
    {
        var directory = Directory.CreateDirectory(Path.Combine(folder.Path, "1", "1234", "1234567", "1")).FullName;
        await File.WriteAllTextAsync(Path.Combine(directory, "setup.log"), "sealed");
        await File.WriteAllTextAsync(Path.Combine(directory, "task-a.open"), "open");

        (await store.Find(Job, 1, "a", default)).ShouldBe(new LogState(4, Sealed: false));
        (await store.Close(Job, 1, default)).ShouldBe([new LogLength(null, 6), new LogLength("a", 4)]);
        (await Text(store, "a")).ShouldBe("open");
        (await Text(store, null)).ShouldBe("sealed");
    }

    [Fact]
    public async Task An_attempt_that_an_earlier_version_closed_stays_as_it_was()
    {
        var directory = Directory.CreateDirectory(Path.Combine(folder.Path, "1", "1234", "1234567", "1")).FullName;
        await File.WriteAllTextAsync(Path.Combine(directory, "closed.json"), """[{"Task":"a","Length":2}]""");
        await File.WriteAllTextAsync(Path.Combine(directory, "task-a.open"), "open");

        (await store.Find(Job, 1, "a", default)).ShouldBe(new LogState(2, Sealed: true));
        (await store.Close(Job, 1, default)).ShouldBe([new LogLength("a", 2)]);
        (await Text(store, "a")).ShouldBe("op");
        await Should.ThrowAsync<AttemptClosedException>(store.Create(Job, 1, null, default));
    }

    [Fact]
    public async Task After_a_loss_of_power_a_name_that_is_ahead_of_its_bytes_shows_the_bytes()
    {
        await using (var log = await store.Create(Job, 1, "a", default))
            await log.Append("all of it"u8.ToArray(), default);
        using (var file = File.OpenHandle(Directory.EnumerateFiles(folder.Path, "*.open-9", SearchOption.AllDirectories).Single(), FileMode.Open, FileAccess.Write))
            RandomAccess.SetLength(file, 3);

        (await store.Find(Job, 1, "a", default)).ShouldBe(new LogState(3, Sealed: false));
        (await store.Close(Job, 1, default)).ShouldBe([new LogLength("a", 3)]);
        (await Text(store, "a")).ShouldBe("all");
    }

    private static async Task<string> Text(FileLogStore store, string? task, long offset = 0)
    {
        var buffer = new byte[100];
        return Encoding.UTF8.GetString(buffer, 0, await store.Read(Job, 1, task, offset, buffer, default));
    }
}
