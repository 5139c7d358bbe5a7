using System.Text;
using Builds.Logs;
using Microsoft.Extensions.Time.Testing;

namespace Builds.Tests.Logs;

public sealed class LogWriterTests : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly FakeTimeProvider clock = new(Some.Time);
    private readonly FakeAppender log = new();

    public ValueTask DisposeAsync() => log.DisposeAsync();

    [Fact]
    public async Task The_first_byte_after_a_pause_is_shown_within_50_milliseconds()
    {
        await using var writer = new LogWriter(log, clock);
        await writer.Write("a"u8.ToArray(), default);
        log.Text.ShouldBe("");

        clock.Advance(TimeSpan.FromMilliseconds(49));
        log.Text.ShouldBe("");
        clock.Advance(TimeSpan.FromMilliseconds(1));

        log.Text.ShouldBe("a");
    }

    [Fact]
    public async Task What_follows_is_shown_a_second_after_the_last_flush()
    {
        await using var writer = new LogWriter(log, clock);
        await writer.Write("a"u8.ToArray(), default);
        clock.Advance(LogWriter.FirstByte);
        clock.Advance(TimeSpan.FromMilliseconds(200));

        await writer.Write("b"u8.ToArray(), default);
        clock.Advance(TimeSpan.FromMilliseconds(799));
        log.Text.ShouldBe("a");
        clock.Advance(TimeSpan.FromMilliseconds(1));
        log.Text.ShouldBe("ab");

        clock.Advance(LogWriter.Interval);
        await writer.Write("c"u8.ToArray(), default);
        clock.Advance(LogWriter.FirstByte);
        log.Text.ShouldBe("abc");
    }

    [Fact]
    public async Task A_full_chunk_is_shown_at_once()
    {
        await using var writer = new LogWriter(log, clock);

        await writer.Write(new byte[LogWriter.Chunk - 1], default);
        log.Flushes.ShouldBeEmpty();
        await writer.Write(new byte[LogWriter.Chunk + 2], default);

        log.Flushes.ShouldBe([LogWriter.Chunk, LogWriter.Chunk]);
        clock.Advance(LogWriter.Interval);
        log.Flushes.ShouldBe([LogWriter.Chunk, LogWriter.Chunk, 1]);
    }

    [Fact]
    public async Task A_slow_store_makes_the_writer_wait()
    {
        await using var writer = new LogWriter(log, clock);
        log.Gate = new TaskCompletionSource();

        var write = writer.Write(new byte[2 * LogWriter.Chunk], default).AsTask();
        write.IsCompleted.ShouldBeFalse();
        log.Gate.SetResult();
        await write.WaitAsync(Bound);

        log.Flushes.ShouldBe([LogWriter.Chunk, LogWriter.Chunk]);
    }

    [Fact]
    public async Task Sealing_flushes_what_is_left()
    {
        await using var writer = new LogWriter(log, clock);
        await writer.Write("rest"u8.ToArray(), default);

        await writer.Seal(default);

        (log.Text, log.Sealed).ShouldBe(("rest", true));
    }

    [Fact]
    public async Task A_flush_that_failed_behind_the_writers_back_is_told_with_its_next_call()
    {
        await using var writer = new LogWriter(log, clock);
        await writer.Write("a"u8.ToArray(), default);
        log.Failure = new AttemptClosedException("given up");
        clock.Advance(LogWriter.FirstByte);

        await Should.ThrowAsync<AttemptClosedException>(async () => await writer.Write("b"u8.ToArray(), default));
        await Should.ThrowAsync<AttemptClosedException>(async () => await writer.Seal(default));
    }

    private sealed class FakeAppender : ILogAppender
    {
        private readonly MemoryStream bytes = new();

        public List<int> Flushes { get; } = [];
        public bool Sealed { get; private set; }
        public TaskCompletionSource? Gate { get; set; }
        public Exception? Failure { get; set; }
        public string Text => Encoding.UTF8.GetString(bytes.ToArray());

        public async ValueTask Append(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            if (Gate is { } gate)
                await gate.Task;
            if (Failure is { } failure)
                throw failure;
            this.bytes.Write(bytes.Span);
            Flushes.Add(bytes.Length);
        }

        public ValueTask Seal(CancellationToken cancellationToken)
        {
            Sealed = true;
            return default;
        }

        public ValueTask DisposeAsync() => default;
    }
}
