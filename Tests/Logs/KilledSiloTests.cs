using System.Globalization;
using Builds.Jobs;
using Builds.Logs;
using Builds.Stores;
using Builds.Support;

namespace Builds.Tests.Logs;

public sealed class KilledSiloTests : IDisposable
{
    private static readonly JobId Job = new(1);

    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(200)]
    public async Task What_a_reader_saw_before_the_kill_is_there_after_it_and_the_log_can_be_ended(int appends)
    {
        long seen = 0;
        await using (var writer = TestProgram.Start(user: null, "logs", "write", folder.Path))
        {
            for (var line = 0; line < appends; line++)
                seen = long.Parse(await writer.Line(), CultureInfo.InvariantCulture);
            writer.Kill();
        }

        var store = new FileLogStore(folder.Path);
        var left = (await store.Find(Job, 1, "a", default)).ShouldNotBeNull();
        var closed = await store.Close(Job, 1, default);

        left.Sealed.ShouldBeFalse();
        left.Length.ShouldBeGreaterThanOrEqualTo(seen);
        (await Content(store, "a", left.Length)).AsSpan().SequenceEqual(LogProgram.Pattern(0, (int)left.Length)).ShouldBeTrue();
        closed.ShouldBe([new LogLength(null, 1000), new LogLength("a", left.Length)]);
        (await store.Find(Job, 1, "a", default)).ShouldBe(new LogState(left.Length, Sealed: true));
        (await store.Find(Job, 1, null, default)).ShouldBe(new LogState(1000, Sealed: true));
    }

    private static async Task<byte[]> Content(FileLogStore store, string task, long length)
    {
        var bytes = new byte[length];
        for (var read = 0; read < length;)
        {
            var count = await store.Read(Job, 1, task, read, bytes.AsMemory(read), default);
            count.ShouldBeGreaterThan(0);
            read += count;
        }

        return bytes;
    }
}
