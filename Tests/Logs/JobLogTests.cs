using System.Text;
using Builds.Jobs;
using Builds.Logs;
using Builds.Stores;
using CsCheck;

namespace Builds.Tests.Logs;

public sealed class JobLogTests
{
    private const string Task = "a";

    private abstract record Step
    {
        public sealed record Append(byte[] Bytes) : Step;
        public sealed record Read(double From, int Count) : Step;
        public sealed record GiveUp : Step;
        public sealed record Restart : Step;
    }

    private static readonly Gen<Step> AnyStep = Gen.Frequency(
        (6, Gen.Byte.Array[0, 3000].Select(bytes => (Step)new Step.Append(bytes))),
        (6, Gen.Select(Gen.Double[0, 1.1], Gen.Int[0, 5000], (from, count) => (Step)new Step.Read(from, count))),
        (1, Gen.Const((Step)new Step.GiveUp())),
        (1, Gen.Const((Step)new Step.Restart())));

    [Fact]
    public async Task Any_range_of_a_growing_log_is_what_was_written_at_that_place() =>
        // Few, since each end of an attempt waits for the disk.
        await AnyStep.List[1, 60].SampleAsync(Play, iter: 30, threads: 1);

    [Fact]
    public async Task The_attempt_that_failed_the_job_is_shown_once()
    {
        using var folder = new TempFolder();
        var store = new FileLogStore(folder.Path);
        var job = Running(1);
        await using (var log = await store.Create(job.Id, 1, Task, default))
            await log.Append("half"u8.ToArray(), default);

        var ended = new EndedAttempt(1, "gone", await store.Close(job.Id, 1, default));
        var view = await JobLog.Open(store, job with { Status = JobStatus.Failed, EndedAttempts = [ended] }, Task, default);

        (await Range(view, 0, 100)).ShouldBe("half"u8.ToArray());
        (view.IsSealed, view.Growing).ShouldBe((true, null));
    }

    [Fact]
    public async Task A_job_without_attempts_has_no_log()
    {
        var view = await JobLog.Open(new FakeLogStore(), Running(0), Task, default);

        (view.Exists, view.Length, view.Growing, view.IsSealed).ShouldBe((false, 0, null, false));
    }

    private static async Task Play(List<Step> steps)
    {
        using var folder = new TempFolder();
        var model = new Model(folder.Path);
        foreach (var step in steps)
            await model.Do(step);
        await model.End();
    }

    private static JobSnapshot Running(int attempt) => new()
    {
        Id = new JobId(5),
        Owner = "mia",
        Status = JobStatus.Running,
        Attempt = attempt,
        Tasks = [new TaskSnapshot(Task, BuildTaskStatus.Running)],
        Manifest = Some.Manifest,
        Image = "host",
        Tags = [],
        Visibility = Visibility.Public,
        Created = Some.Time,
        Updated = Some.Time,
    };

    private static async Task<byte[]> Range(JobLog log, long from, int count)
    {
        var (bytes, filled) = (new byte[count], 0);
        while (filled < count && await log.Read(from + filled, bytes.AsMemory(filled), default) is > 0 and var read)
            filled += read;
        return bytes[..filled];
    }

    /// <summary>The log beside an array of the bytes that it should have.</summary>
    private sealed class Model(string directory)
    {
        private readonly List<byte> expected = [];
        private FileLogStore store = new(directory);
        private JobSnapshot job = Running(1);
        private ILogAppender? log;
        private byte[] seen = [];

        public async Task Do(Step step)
        {
            log ??= await store.Create(job.Id, job.Attempt, Task, default);
            switch (step)
            {
                case Step.Append append:
                    await log.Append(append.Bytes, default);
                    expected.AddRange(append.Bytes);
                    break;
                case Step.Read read:
                    var from = (int)(read.From * expected.Count);
                    (await Range(await Open(), from, read.Count)).ShouldBe([.. expected.Skip(from).Take(read.Count)]);
                    break;
                case Step.GiveUp:
                    await GiveUp();
                    break;
                case Step.Restart:
                    // As another process finds what this one left.
                    store = new FileLogStore(directory);
                    await Look();
                    await GiveUp();
                    break;
                default:
                    throw new System.Diagnostics.UnreachableException();
            }

            await Look();
        }

        public async Task End()
        {
            if (log is not null)
                await log.DisposeAsync();
        }

        private async Task GiveUp()
        {
            var lengths = await store.Close(job.Id, job.Attempt, default);
            await End();
            job = job with { EndedAttempts = job.EndedAttempts.Add(new EndedAttempt(job.Attempt, "gone", lengths)) };
            await Look();

            var torn = lengths[0].Length > 0 && expected[^1] != '\n';
            job = job with { Attempt = job.Attempt + 1 };
            log = await store.Create(job.Id, job.Attempt, Task, default);
            expected.AddRange(Encoding.UTF8.GetBytes($"{(torn ? "\n" : "")}[#5] Attempt {job.Attempt - 1} ends here: gone. Attempt {job.Attempt} follows.\n"));
        }

        private async Task Look()
        {
            var view = await Open();
            var now = await Range(view, 0, (int)view.Length);
            now.ShouldBe([.. expected]);
            now.AsSpan(0, seen.Length).SequenceEqual(seen).ShouldBeTrue("what a reader saw has changed");
            seen = now;
        }

        private Task<JobLog> Open() => JobLog.Open(store, job, Task, default);
    }
}
