using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using Builds.Jobs;
using Builds.Logs;

namespace Builds.Stores.S3;

/// <summary>
/// Logs as objects that any number of silos share (see <see cref="LogObjects"/>). What counts is which object was there first: there is no lock that a frozen silo could hold,
/// and nothing to agree on. Only readers of the same process are woken at once; <see cref="FollowingLogStore"/> does it for the others.
/// </summary>
internal sealed class ObjectLogStore(IBucket bucket, StorePatience patience, LogCompaction compaction, TimeProvider clock) : ILogStore, IDisposable
{
    private const int MostDeletes = 1000;

    private readonly LogSignals signals = new();
    private readonly LogReads reads = new(bucket);
    private readonly ConcurrentDictionary<LogKey, ObjectLog> writing = new();

    public IBucket Bucket => bucket;

    public StorePatience Patience => patience;

    public async Task<ILogAppender> Create(JobId job, int attempt, string? task, CancellationToken cancellationToken)
    {
        var key = new LogKey(job, attempt, task);
        var writer = BucketCalls.NewWriter();
        await patience.Until(() => Begin(key, writer, cancellationToken), cancellationToken);
        var log = new ObjectLog(this, key, writer, clock);
        writing[key] = log;
        Changed(key);
        return log;
    }

    public async Task<ImmutableArray<LogLength>> Close(JobId job, int attempt, CancellationToken cancellationToken)
    {
        if (await Closed(job, attempt, cancellationToken) is { } before)
            return before;
        // From here on no log begins: who begins one looks for this afterwards.
        await PutNew(LogObjects.Closing(job, attempt), ReadOnlyMemory<byte>.Empty, BucketCalls.NewWriter(), cancellationToken);
        var lengths = ImmutableArray.CreateBuilder<LogLength>();
        foreach (var task in await Tasks(job, attempt, cancellationToken))
        {
            if (await FinalLength(new LogKey(job, attempt, task), cancellationToken) is { } length)
                lengths.Add(new LogLength(task, length));
        }

        await PutNew(LogObjects.Closed(job, attempt), JsonSerializer.SerializeToUtf8Bytes(lengths.ToArray()), BucketCalls.NewWriter(), cancellationToken);
        signals.Ring(job, attempt);
        // Another silo may have been first, with a log fewer that began too late to count.
        return await Closed(job, attempt, cancellationToken) ?? throw new IOException($"the lengths of attempt {attempt} of job {job} were written to {bucket} and are not there");
    }

    public async Task<LogState?> Find(JobId job, int attempt, string? task, CancellationToken cancellationToken)
    {
        var key = new LogKey(job, attempt, task);
        if (writing.TryGetValue(key, out var log) && log.State is { } state)
            return state;
        var index = await reads.Look(key, cancellationToken);
        if (!index.HasBegun)
            return null;
        // It may have begun too late to count.
        if (index is { Length: 0, IsSealed: false } && await Closed(job, attempt, cancellationToken) is { } closed && closed.All(counted => counted.Task != task))
            return null;
        return new LogState(index.Length, index.IsSealed);
    }

    public ValueTask<int> Read(JobId job, int attempt, string? task, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return reads.Read(new LogKey(job, attempt, task), offset, buffer, cancellationToken);
    }

    public async Task<LogState> WaitForMore(JobId job, int attempt, string? task, long knownLength, CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = signals.Next(job, attempt);
            if (await Find(job, attempt, task, cancellationToken) is { } state && (state.Length > knownLength || state.Sealed))
                return state;
            await change.WaitAsync(cancellationToken);
        }
    }

    public async Task Delete(JobId job, CancellationToken cancellationToken)
    {
        await bucket.DeleteAll(LogObjects.Job(job), cancellationToken);
        reads.Forget(job);
    }

    public void Dispose() => reads.Dispose();

    internal async Task<bool> PutNew(string key, ReadOnlyMemory<byte> content, string writer, CancellationToken cancellationToken)
    {
        KillPoint.Reached("bucket.puts");
        var isNew = await bucket.PutNew(key, content, writer, cancellationToken);
        KillPoint.Reached("bucket.put");
        return isNew;
    }

    internal void Changed(LogKey key) => signals.Ring(key.Job, key.Attempt);

    internal void Ended(LogKey key, int segments) => compaction.Offer(key, segments);

    internal void Forget(ObjectLog log) => writing.TryRemove(new KeyValuePair<LogKey, ObjectLog>(log.Key, log));

    private async ValueTask Begin(LogKey key, string writer, CancellationToken cancellationToken)
    {
        if (await IsGivenUp(key, cancellationToken))
            throw FileLogStore.GivenUp(key);
        var place = LogObjects.Log(key) + LogObjects.Begun;
        if (!await PutNew(place, ReadOnlyMemory<byte>.Empty, writer, cancellationToken)
            && (await bucket.Find(place, cancellationToken))?.Writer is var owner && owner != writer)
        {
            throw owner is null ? new IOException($"{place} in {bucket} can neither be written nor found") : new AttemptClosedException($"the {key} exists already: it has one writer");
        }

        // Who closes the attempt made its mark first and looked for logs then: it saw this one, or this one sees the mark.
        if (await IsGivenUp(key, cancellationToken))
            throw FileLogStore.GivenUp(key);
    }

    private async Task<bool> IsGivenUp(LogKey key, CancellationToken cancellationToken) =>
        await bucket.Find(LogObjects.Closing(key.Job, key.Attempt), cancellationToken) is not null;

    /// <summary>The tasks whose logs have begun, setup (null) first, then by name.</summary>
    private async Task<IReadOnlyList<string?>> Tasks(JobId job, int attempt, CancellationToken cancellationToken)
    {
        var tasks = new List<string?>();
        foreach (var folder in await bucket.Folders(LogObjects.Attempt(job, attempt), cancellationToken))
        {
            if (LogObjects.TryTask(folder, out var task))
                tasks.Add(task);
        }

        return [.. tasks.Order(StringComparer.Ordinal)];
    }

    /// <summary>Ends one log where it stands, whoever writes it; null if it never began.</summary>
    private async Task<long?> FinalLength(LogKey key, CancellationToken cancellationToken)
    {
        while (await reads.Look(key, cancellationToken) is { HasBegun: true } index)
        {
            KillPoint.Reached("bucket.listed");
            // Not there first: its writer went on, or somebody else ended it. The next look tells.
            if (index.IsSealed || await PutNew(LogObjects.Segment(key, index.Length), ReadOnlyMemory<byte>.Empty, BucketCalls.NewWriter(), cancellationToken))
            {
                Ended(key, index.Segments.Count);
                return index.Length;
            }
        }

        return null;
    }

    /// <summary>The lengths that were fixed when the attempt was given up; null if it was not.</summary>
    private async Task<ImmutableArray<LogLength>?> Closed(JobId job, int attempt, CancellationToken cancellationToken)
    {
        var content = await bucket.ReadSmall(LogObjects.Closed(job, attempt), cancellationToken);
        return content is null ? null : [.. JsonSerializer.Deserialize<LogLength[]>(content) ?? []];
    }
}
