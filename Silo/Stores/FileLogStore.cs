using System.Collections.Concurrent;
using System.Collections.Immutable;
using Builds.Cluster;
using Builds.Jobs;
using Builds.Logs;
using Microsoft.Win32.SafeHandles;

namespace Builds.Stores;

/// <summary>
/// Logs as files (see <see cref="LogPaths"/>), for one process at a time. A log that a killed process left open reads as that
/// process left it, and is ended by <see cref="ILogStore.Close"/>.
/// </summary>
public sealed class FileLogStore(string directory) : ILogStore
{
    private const int Locks = 64;

    private readonly LogPaths paths = new(directory);
    private readonly LogSignals signals = new();
    private readonly ConcurrentDictionary<LogKey, FileLog> writing = new();
    private readonly ConcurrentDictionary<string, bool> synced = new();
    private readonly ImmutableArray<SemaphoreSlim> attempts = [.. Enumerable.Range(0, Locks).Select(_ => new SemaphoreSlim(1))];

    public async Task<ILogAppender> Create(JobId job, int attempt, string? task, CancellationToken cancellationToken)
    {
        var key = new LogKey(job, attempt, task);
        using var only = await Only(job, attempt, cancellationToken);
        if (File.Exists(paths.Sealed(key)) || File.Exists(paths.Open(key)))
            throw new AttemptClosedException($"the {key} exists already: it has one writer");
        if (paths.Closed(job, attempt) is not null)
            throw GivenUp(key);

        Directory.CreateDirectory(paths.Attempt(job, attempt));
        var log = new FileLog(this, key, File.OpenHandle(paths.Open(key), FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete));
        KillPoint.Reached("log.begun");
        writing[key] = log;
        Changed(key);
        return log;
    }

    public async Task<ImmutableArray<LogLength>> Close(JobId job, int attempt, CancellationToken cancellationToken)
    {
        using var only = await Only(job, attempt, cancellationToken);
        // Away from the caller's thread, which may be a grain's turn: this waits for the disk.
        return paths.Closed(job, attempt) ?? await Task.Run(() => Close(job, attempt), CancellationToken.None);
    }

    public Task<LogState?> Find(JobId job, int attempt, string? task, CancellationToken cancellationToken) =>
        Task.FromResult(Find(new LogKey(job, attempt, task)));

    public async ValueTask<int> Read(JobId job, int attempt, string? task, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var key = new LogKey(job, attempt, task);
        if (Find(key) is not { Length: var length } || offset >= length)
            return 0;
        using var file = OpenToRead(key);
        return await RandomAccess.ReadAsync(file, buffer[..(int)Math.Min(buffer.Length, length - offset)], offset, cancellationToken);
    }

    public async Task<LogState> WaitForMore(JobId job, int attempt, string? task, long knownLength, CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = signals.Next(job, attempt);
            if (Find(new LogKey(job, attempt, task)) is { } state && (state.Length > knownLength || state.Sealed))
                return state;
            await change.WaitAsync(cancellationToken);
        }
    }

    public Task Delete(JobId job, CancellationToken cancellationToken) => Task.Run(() => Sharding.Delete(paths.Root, job), cancellationToken);

    internal static AttemptClosedException GivenUp(LogKey key) => new($"attempt {key.Attempt} of job {key.Job} was given up: nothing is written to its logs any more");

    internal void Changed(LogKey key) => signals.Ring(key.Job, key.Attempt);

    internal async Task Seal(FileLog log, CancellationToken cancellationToken)
    {
        var key = log.Key;
        using (await Only(key.Job, key.Attempt, cancellationToken))
        {
            log.SyncAndSeal(() =>
            {
                File.Move(paths.Open(key), paths.Sealed(key));
                KillPoint.Reached("log.renamed");
                // Names wait for the setup log, which is sealed last: until then nothing is announced that needs them.
                if (key.Task is null)
                    SyncNames(key.Job, key.Attempt);
                KillPoint.Reached("log.sealed");
            });
            Forget(log);
        }

        Changed(key);
    }

    /// <summary>What lies above the directories of jobs changes once in a thousand jobs: each process syncs it once.</summary>
    private void SyncNames(JobId job, int attempt)
    {
        var neighbours = Path.GetDirectoryName(Sharding.Directory(paths.Root, job))!;
        DurableFile.SyncDirectories(paths.Attempt(job, attempt), neighbours);
        if (synced.ContainsKey(neighbours))
            return;
        DurableFile.SyncDirectories(Path.GetDirectoryName(neighbours)!, paths.Root);
        synced[neighbours] = true;
    }

    internal async Task Release(FileLog log)
    {
        using var only = await Only(log.Key.Job, log.Key.Attempt, CancellationToken.None);
        Forget(log);
    }

    private void Forget(FileLog log)
    {
        log.Release();
        writing.TryRemove(new KeyValuePair<LogKey, FileLog>(log.Key, log));
    }

    private ImmutableArray<LogLength> Close(JobId job, int attempt)
    {
        Directory.CreateDirectory(paths.Attempt(job, attempt));
        ImmutableArray<LogLength> lengths = [.. paths.Logs(job, attempt).Select(log => new LogLength(log.Task, FinalLength(new LogKey(job, attempt, log.Task), log.File)))];
        paths.WriteClosed(job, attempt, lengths);
        DurableFile.SyncDirectories(paths.Attempt(job, attempt), paths.Root);
        KillPoint.Reached("attempt.closed");
        signals.Ring(job, attempt);
        return lengths;
    }

    private LogState? Find(LogKey key)
    {
        if (writing.TryGetValue(key, out var log))
            return log.State;
        var stored = FindStored(key);
        // The order matters: a log whose writer began meanwhile has bytes in its file that are not to be seen yet.
        return writing.TryGetValue(key, out log) ? log.State : stored;
    }

    private LogState? FindStored(LogKey key)
    {
        var stored = StateOf(paths.Sealed(key), true) ?? StateOf(paths.Open(key), false) ?? StateOf(paths.Sealed(key), true);
        if (paths.Closed(key.Job, key.Attempt) is not { } closed)
            return stored;
        return closed.FirstOrDefault(log => log.Task == key.Task) is { } end ? new LogState(end.Length, Sealed: true) : null;
    }

    private static LogState? StateOf(string path, bool isSealed) => new FileInfo(path) is { Exists: true, Length: var length } ? new LogState(length, isSealed) : null;

    private SafeFileHandle OpenToRead(LogKey key)
    {
        if (File.Exists(paths.Sealed(key)))
            return OpenToRead(paths.Sealed(key));
        try
        {
            return OpenToRead(paths.Open(key));
        }
        catch (FileNotFoundException)
        {
            // Sealed a moment ago.
            return OpenToRead(paths.Sealed(key));
        }
    }

    private static SafeFileHandle OpenToRead(string path) =>
        File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    private long FinalLength(LogKey key, FileInfo file)
    {
        var length = writing.TryGetValue(key, out var log) ? log.Close() : file.Length;
        using var handle = File.OpenHandle(file.FullName, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.FlushToDisk(handle);
        return length;
    }

    private async Task<Held> Only(JobId job, int attempt, CancellationToken cancellationToken)
    {
        var turn = attempts[(int)((uint)HashCode.Combine(job, attempt) % Locks)];
        await turn.WaitAsync(cancellationToken);
        return new Held(turn);
    }

    private readonly struct Held(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
