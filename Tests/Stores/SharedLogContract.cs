using System.Collections.Immutable;
using System.Text;
using Builds.Jobs;
using Builds.Logs;
using Builds.Tests.Logs;

namespace Builds.Tests.Stores;

/// <summary>What a store that many silos share promises, whatever it is made of. A and B are the stores of two silos.</summary>
public abstract class SharedLogContract
{
    private static readonly JobId Job = new(7);

    protected abstract ILogStore A { get; }
    protected abstract ILogStore B { get; }

    /// <summary>Two stores over an empty place, for one round of many.</summary>
    protected abstract (ILogStore A, ILogStore B) Fresh();

    [Fact]
    public async Task What_one_silo_wrote_the_other_reads_at_once()
    {
        await using var log = await A.Create(Job, 1, "a", default);

        (await B.Find(Job, 1, "a", default)).ShouldBe(new LogState(0, Sealed: false));
        await log.Append("one "u8.ToArray(), default);
        (await Text(B, "a")).ShouldBe("one ");
        await log.Append("two"u8.ToArray(), default);
        (await B.Find(Job, 1, "a", default)).ShouldBe(new LogState(7, Sealed: false));
        (await Text(B, "a", offset: 4)).ShouldBe("two");
        await log.Seal(default);
        (await B.Find(Job, 1, "a", default)).ShouldBe(new LogState(7, Sealed: true));
        (await Text(B, "a")).ShouldBe("one two");
        (await B.Find(Job, 1, null, default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_log_has_one_writer_in_the_whole_cluster()
    {
        await using var log = await A.Create(Job, 1, "a", default);
        await Should.ThrowAsync<AttemptClosedException>(B.Create(Job, 1, "a", default));
        await log.Append("mine"u8.ToArray(), default);
        await Should.ThrowAsync<AttemptClosedException>(B.Create(Job, 1, "a", default));
        await log.Seal(default);

        await Should.ThrowAsync<AttemptClosedException>(B.Create(Job, 1, "a", default));

        (await Text(B, "a")).ShouldBe("mine");
    }

    [Fact]
    public async Task Closed_by_another_silo_an_attempt_takes_nothing_any_more_and_the_lengths_stay()
    {
        await using var setup = await A.Create(Job, 1, null, default);
        await using var done = await A.Create(Job, 1, "a", default);
        await using var running = await A.Create(Job, 1, "b", default);
        await setup.Append("setup"u8.ToArray(), default);
        await done.Append("done"u8.ToArray(), default);
        await done.Seal(default);
        await running.Append("half"u8.ToArray(), default);

        var lengths = await B.Close(Job, 1, default);

        lengths.ShouldBe([new LogLength(null, 5), new LogLength("a", 4), new LogLength("b", 4)]);
        await Should.ThrowAsync<AttemptClosedException>(async () => await running.Append("more"u8.ToArray(), default));
        await Should.ThrowAsync<AttemptClosedException>(async () => await setup.Seal(default));
        await Should.ThrowAsync<AttemptClosedException>(A.Create(Job, 1, "c", default));
        foreach (var store in new[] { A, B, A, B })
        {
            (await store.Close(Job, 1, default)).ShouldBe(lengths);
            (await store.Find(Job, 1, "b", default)).ShouldBe(new LogState(4, Sealed: true));
            (await store.Find(Job, 1, "c", default)).ShouldBeNull();
            (await Text(store, "b")).ShouldBe("half");
            (await Text(store, "a")).ShouldBe("done");
        }
    }

    [Fact]
    public async Task An_attempt_without_logs_can_be_closed_and_gets_none_on_any_silo()
    {
        (await B.Close(Job, 3, default)).ShouldBeEmpty();

        await Should.ThrowAsync<AttemptClosedException>(A.Create(Job, 3, null, default));
        (await A.Close(Job, 3, default)).ShouldBeEmpty();
        (await A.Find(Job, 3, null, default)).ShouldBeNull();
    }

    [Fact]
    public async Task Whoever_is_overtaken_wherever_the_close_of_another_silo_fixes_what_readers_saw()
    {
        for (var round = 0; round < Rounds.Of(ShortRun); round++)
        {
            var seed = Seed + round;
            var race = new Race(Fresh(), seed);
            try
            {
                await race.Run();
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"seed {seed}: {error.Message}; the run: {race.Story}", error);
            }
        }
    }

    protected virtual int ShortRun => 100;

    private static int Seed => int.Parse(Environment.GetEnvironmentVariable("BUILDS_STORE_SEED") ?? "1");

    private static async Task<string> Text(ILogStore store, string? task, long offset = 0)
    {
        var buffer = new byte[100];
        var count = 0;
        while (await store.Read(Job, 1, task, offset + count, buffer.AsMemory(count), default) is > 0 and var read)
            count += read;
        return Encoding.UTF8.GetString(buffer, 0, count);
    }

    /// <summary>One writer, readers on both silos, and one or two that close; each may stand still at each of its steps.</summary>
    private sealed class Race((ILogStore A, ILogStore B) silos, int seed)
    {
        private static readonly string?[] Tasks = [null, "a"];

        private readonly Random random = new(seed);
        private readonly Interleaving interleaving = new(seed);
        private readonly Dictionary<string, long> seen = [];
        private readonly Dictionary<string, long> acknowledged = [];
        private readonly List<ImmutableArray<LogLength>> answers = [];

        public string Story => interleaving.Story;

        public async Task Run()
        {
            interleaving.Add("write", Write);
            interleaving.Add("close", () => Close(silos.B));
            if (random.Next(2) == 0)
                interleaving.Add("close2", () => Close(random.Next(2) == 0 ? silos.A : silos.B));
            interleaving.Add("readA", () => Read(silos.A));
            interleaving.Add("readB", () => Read(silos.B));
            await interleaving.Run();

            foreach (var store in new[] { silos.A, silos.B })
            {
                answers.Add(await store.Close(Job, 1, default));
                foreach (var task in Tasks)
                    await Look(store, task);
            }

            answers.ShouldAllBe(answer => answer.SequenceEqual(answers[0]));
            foreach (var task in Tasks)
            {
                var end = answers[0].FirstOrDefault(log => log.Task == task)?.Length ?? 0;
                seen.GetValueOrDefault(task ?? "").ShouldBeLessThanOrEqualTo(end, "a reader saw more than the closed length");
                acknowledged.GetValueOrDefault(task ?? "").ShouldBeLessThanOrEqualTo(end, "the writer was told that more was shown than was closed");
            }
        }

        private async Task Write()
        {
            try
            {
                await using var setup = await silos.A.Create(Job, 1, null, default);
                await Append(setup, null);
                await using var log = await silos.A.Create(Job, 1, "a", default);
                for (var append = random.Next(3); append >= 0; append--)
                    await Append(log, "a");
                await log.Seal(default);
                await Append(setup, null);
                await setup.Seal(default);
            }
            catch (AttemptClosedException)
            {
                // The race was lost.
            }
        }

        private async Task Append(ILogAppender log, string? task)
        {
            var (length, size) = (acknowledged.GetValueOrDefault(task ?? ""), random.Next(1, 50));
            await log.Append(LogProgram.Pattern(length, size), default);
            acknowledged[task ?? ""] = length + size;
        }

        private async Task Close(ILogStore store) => answers.Add(await store.Close(Job, 1, default));

        private async Task Read(ILogStore store)
        {
            for (var look = 0; look < 6; look++)
            {
                foreach (var task in Tasks)
                    await Look(store, task);
                Interleaving.Point();
            }
        }

        private async Task Look(ILogStore store, string? task)
        {
            if (await store.Find(Job, 1, task, default) is not { Length: var length })
                return;
            var before = seen.GetValueOrDefault(task ?? "");
            length.ShouldBeGreaterThanOrEqualTo(before, "a log became shorter");
            var bytes = new byte[length];
            for (var read = 0; read < length;)
            {
                var count = await store.Read(Job, 1, task, read, bytes.AsMemory(read), default);
                count.ShouldBeGreaterThan(0, "bytes that were shown are missing");
                read += count;
            }

            bytes.AsSpan().SequenceEqual(LogProgram.Pattern(0, (int)length)).ShouldBeTrue("other bytes than were written");
            seen[task ?? ""] = length;
        }
    }
}
