using System.Collections.Immutable;
using Builds.Jobs;
using Builds.Logs;
using Builds.Stores;
using Builds.Stores.S3;
using Microsoft.Extensions.Logging.Abstractions;

namespace Builds.Tests.Stores.S3;

/// <summary>The contract, by runs of the hundred: whoever is overtaken wherever, between any two calls.</summary>
public sealed class SharedMemoryTests : SharedLogContract, IDisposable
{
    private readonly ObjectStores stores = new();

    public SharedMemoryTests() => (A, B) = Fresh();

    protected override ILogStore A { get; }

    protected override ILogStore B { get; }

    protected override int ShortRun => 100;

    public void Dispose() => stores.Dispose();

    protected override (ILogStore A, ILogStore B) Fresh()
    {
        var bucket = new MemoryBucket();
        return (stores.Over(bucket), stores.Over(bucket));
    }
}

/// <summary>The same where one call in eight does not get there, and of one in eight the answer is lost. What may be refused is asked for again, as the silo does.</summary>
public sealed class SharedFaultsTests : SharedLogContract, IDisposable
{
    private readonly ObjectStores stores = new();
    private int rounds;

    public SharedFaultsTests() => (A, B) = Fresh();

    protected override ILogStore A { get; }

    protected override ILogStore B { get; }

    protected override int ShortRun => 100;

    public void Dispose() => stores.Dispose();

    protected override (ILogStore A, ILogStore B) Fresh()
    {
        var chance = new Random(rounds++);
        var bucket = new MemoryBucket
        {
            Fate = (_, _) =>
            {
                lock (chance)
                    return chance.Next(8) switch { 0 => Mishap.Refused, 1 => Mishap.AnswerLost, _ => Mishap.None };
            },
        };
        return (new Insistent(stores.Over(bucket)), new Insistent(stores.Over(bucket)));
    }

    private sealed class Insistent(ILogStore store) : ILogStore
    {
        // Begins and waits by itself.
        public Task<ILogAppender> Create(JobId job, int attempt, string? task, CancellationToken cancellationToken) => store.Create(job, attempt, task, cancellationToken);

        public Task<ImmutableArray<LogLength>> Close(JobId job, int attempt, CancellationToken cancellationToken) => Until(() => store.Close(job, attempt, cancellationToken));

        public Task<LogState?> Find(JobId job, int attempt, string? task, CancellationToken cancellationToken) => Until(() => store.Find(job, attempt, task, cancellationToken));

        public async ValueTask<int> Read(JobId job, int attempt, string? task, long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
            await Until(() => store.Read(job, attempt, task, offset, buffer, cancellationToken).AsTask());

        public Task Delete(JobId job, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<LogState> WaitForMore(JobId job, int attempt, string? task, long knownLength, CancellationToken cancellationToken) => throw new NotSupportedException();

        private static async Task<T> Until<T>(Func<Task<T>> call)
        {
            while (true)
            {
                try
                {
                    return await call();
                }
                catch (IOException)
                {
                    // One of the mishaps; the next one is drawn anew.
                }
            }
        }
    }
}

/// <summary>The contract with a real S3 server.</summary>
public sealed class SharedBucketTests : IAsyncLifetime
{
    private S3Door? door;

    public async Task InitializeAsync()
    {
        if (S3Server.SkipReason is null)
            door = await S3Door.Open();
    }

    public async Task DisposeAsync()
    {
        if (door is not null)
            await door.DisposeAsync();
    }

    [S3Fact]
    public Task What_one_silo_wrote_the_other_reads_at_once() => Run(contract => contract.What_one_silo_wrote_the_other_reads_at_once());

    [S3Fact]
    public Task A_log_has_one_writer_in_the_whole_cluster() => Run(contract => contract.A_log_has_one_writer_in_the_whole_cluster());

    [S3Fact]
    public Task Closed_by_another_silo_an_attempt_takes_nothing_any_more_and_the_lengths_stay() =>
        Run(contract => contract.Closed_by_another_silo_an_attempt_takes_nothing_any_more_and_the_lengths_stay());

    [S3Fact]
    public Task An_attempt_without_logs_can_be_closed_and_gets_none_on_any_silo() => Run(contract => contract.An_attempt_without_logs_can_be_closed_and_gets_none_on_any_silo());

    [S3Fact]
    public Task Whoever_is_overtaken_wherever_the_close_of_another_silo_fixes_what_readers_saw() =>
        Run(contract => contract.Whoever_is_overtaken_wherever_the_close_of_another_silo_fixes_what_readers_saw());

    private async Task Run(Func<Contract, Task> test)
    {
        using var contract = new Contract(door!);
        await test(contract);
    }

    /// <summary>Not found as a test by itself, since its facts are not skipped where the server is missing.</summary>
    private sealed class Contract : SharedLogContract, IDisposable
    {
        private readonly ObjectStores stores = new();
        private readonly S3Door door;

        public Contract(S3Door door)
        {
            this.door = door;
            // Actors stand still on threads of the pool, which the client and the door need too.
            ThreadPool.GetMinThreads(out var workers, out var ports);
            ThreadPool.SetMinThreads(Math.Max(workers, 32), ports);
            (A, B) = Fresh();
        }

        protected override ILogStore A { get; }

        protected override ILogStore B { get; }

        protected override int ShortRun => 5;

        public void Dispose() => stores.Dispose();

        protected override (ILogStore A, ILogStore B) Fresh()
        {
            var place = S3Door.Place();
            return (stores.Over(door.Bucket(place)), stores.Over(door.Bucket(place)));
        }
    }
}

/// <summary>Makes stores over buckets, and cleans up after them.</summary>
internal sealed class ObjectStores : IDisposable
{
    private readonly List<IDisposable> made = [];

    public LogCompaction Compaction(IBucket bucket)
    {
        var compaction = new LogCompaction(bucket, NullLogger<LogCompaction>.Instance);
        made.Add(compaction);
        return compaction;
    }

    /// <param name="clock">Null: pauses between tries take no time.</param>
    public ObjectLogStore Over(IBucket bucket, TimeProvider? clock = null)
    {
        var store = new ObjectLogStore(bucket, Patience(clock), Compaction(bucket), clock ?? TimeProvider.System);
        made.Add(store);
        return store;
    }

    public static StorePatience Patience(TimeProvider? clock = null) => new(waits: true, clock ?? new HastyClock(), NullLogger.Instance);

    public void Dispose()
    {
        foreach (var one in made)
            one.Dispose();
    }

    private sealed class HastyClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
