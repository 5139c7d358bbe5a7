using System.Collections.Concurrent;
using System.Collections.Immutable;
using Builds.Cluster;
using Builds.Jobs;
using Builds.Logs;
using Microsoft.Win32.SafeHandles;

namespace Builds.Stores;

/// <summary>
/// Logs as files in a directory that any number of silos share (see <see cref="LogPaths"/>). What counts stands in names, and changes by
/// renames: no lock that a frozen silo could hold, and nothing to agree on. A log that a killed silo left open reads as it left it, and is ended by
/// <see cref="ILogStore.Close"/>. Only readers of the same process are woken at once; <see cref="FollowingLogStore"/> does it for the others.
/// </summary>
public sealed class FileLogStore : ILogStore
{
    private readonly LogSignals signals = new();
    private readonly ConcurrentDictionary<LogKey, FileLog> writing = new();
    private readonly ConcurrentDictionary<string, bool> synced = new();

    /// <summary>Fails at once where the directory fails.</summary>
    public FileLogStore(string directory)
        : this(directory, StorePatience.None)
    {
    }

    internal FileLogStore(string directory, StorePatience patience)
    {
        (Paths, Patience) = (new LogPaths(directory), patience);
        SyncsAppends = !FileSystems.IsOfThisMachine(Paths.Root);
    }

    internal LogPaths Paths { get; }

    internal StorePatience Patience { get; }

    /// <summary>Where the files are another machine's, what is shown has to be there, and not in the memory of this one.</summary>
    internal bool SyncsAppends { get; }

    public async Task<ILogAppender> Create(JobId job, int attempt, string? task, CancellationToken cancellationToken)
    {
        var key = new LogKey(job, attempt, task);
        var beginning = new Beginning(this, key);
        try
        {
            await Patience.Until(beginning.Try, cancellationToken);
        }
        catch
        {
            beginning.Dispose();
            throw;
        }

        var log = new FileLog(this, key, beginning.File!);
        writing[key] = log;
        Changed(key);
        return log;
    }

    public async Task<ImmutableArray<LogLength>> Close(JobId job, int attempt, CancellationToken cancellationToken) =>
        // Away from the caller's thread, which may be a grain's turn: this waits for the disk.
        Paths.Closed(job, attempt) ?? await Task.Run(() => Close(job, attempt), CancellationToken.None);

    public Task<LogState?> Find(JobId job, int attempt, string? task, CancellationToken cancellationToken) =>
        Task.FromResult(Find(new LogKey(job, attempt, task)));

    public async ValueTask<int> Read(JobId job, int attempt, string? task, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var key = new LogKey(job, attempt, task);
        if (Find(key) is not { Length: var length } || offset >= length)
            return 0;
        var wanted = buffer[..(int)Math.Min(buffer.Length, length - offset)];
        if (writing.TryGetValue(key, out var log) && await log.Read(offset, wanted, cancellationToken) is { } count)
            return count;
        using var file = OpenToRead(key);
        return await RandomAccess.ReadAsync(file, wanted, offset, cancellationToken);
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

    public Task Delete(JobId job, CancellationToken cancellationToken) => Task.Run(() => Sharding.Delete(Paths.Root, job), cancellationToken);

    internal static AttemptClosedException GivenUp(LogKey key) => new($"attempt {key.Attempt} of job {key.Job} was given up: nothing is written to its logs any more");

    internal void Changed(LogKey key) => signals.Ring(key.Job, key.Attempt);

    internal void Forget(FileLog log) => writing.TryRemove(new KeyValuePair<LogKey, FileLog>(log.Key, log));

    /// <summary>Names wait for the setup log, which is sealed last: until then nothing is announced that needs them.</summary>
    internal void SyncNames(LogKey key)
    {
        if (key.Task is not null)
            return;
        // What lies above the directories of jobs changes once in a thousand jobs: each process syncs it once.
        var neighbours = Path.GetDirectoryName(Sharding.Directory(Paths.Root, key.Job))!;
        DurableFile.SyncDirectories(Paths.Attempt(key.Job, key.Attempt), neighbours);
        if (synced.ContainsKey(neighbours))
            return;
        DurableFile.SyncDirectories(Path.GetDirectoryName(neighbours)!, Paths.Root);
        synced[neighbours] = true;
    }

    internal bool IsGivenUp(JobId job, int attempt) => File.Exists(Paths.Closing(job, attempt)) || Paths.Closed(job, attempt) is not null;

    private ImmutableArray<LogLength> Close(JobId job, int attempt)
    {
        Directory.CreateDirectory(Paths.Attempt(job, attempt));
        // From here on no log begins: who begins one looks for this afterwards.
        File.OpenHandle(Paths.Closing(job, attempt), FileMode.OpenOrCreate, FileAccess.Write).Dispose();
        KillPoint.Reached("attempt.closing");
        var lengths = ImmutableArray.CreateBuilder<LogLength>();
        foreach (var task in Paths.Tasks(job, attempt))
        {
            if (FinalLength(new LogKey(job, attempt, task)) is { } length)
                lengths.Add(new LogLength(task, length));
        }

        KillPoint.Reached("attempt.fenced");
        Paths.WriteClosed(job, attempt, lengths.ToImmutable());
        DurableFile.SyncDirectories(Paths.Attempt(job, attempt), Paths.Root);
        Paths.Tidy(job, attempt);
        KillPoint.Reached("attempt.closed");
        signals.Ring(job, attempt);
        // Another silo may have been first, with a log fewer that began too late to count.
        return Paths.Closed(job, attempt) ?? throw new FileNotFoundException($"the lengths of attempt {attempt} of job {job} were written to {Paths.Root} and are not there");
    }

    /// <summary>Ends one log where it stands, whoever writes it, and brings it to disk; null if it never began.</summary>
    private long? FinalLength(LogKey key)
    {
        while (Paths.Find(key) is { } name)
        {
            using var file = TryOpen(name.Path, FileAccess.Write);
            if (file is null)
                continue;
            KillPoint.Reached("log.found");
            // Asked of the open file: what a directory shared over a network tells of a length may be old.
            var length = Math.Min(name.Named, RandomAccess.GetLength(file));
            if (name.Phase == LogPhase.Open && !FileLog.Rename(name.Path, Paths.Closed(key, length)))
                continue;
            KillPoint.Reached("log.fenced");
            RandomAccess.FlushToDisk(file);
            return length;
        }

        return null;
    }

    private LogState? Find(LogKey key)
    {
        if (Paths.Closed(key.Job, key.Attempt) is { } closed)
            return closed.FirstOrDefault(log => log.Task == key.Task) is { } end ? new LogState(end.Length, Sealed: true) : null;
        if (writing.TryGetValue(key, out var log))
            return log.State;
        return Paths.Find(key) is { } name ? new LogState(name.Length, name.Phase > LogPhase.Open) : null;
    }

    private SafeFileHandle OpenToRead(LogKey key)
    {
        while (Paths.Find(key) is { } name)
        {
            if (TryOpen(name.Path, FileAccess.Read) is { } file)
                return file;
        }

        throw new FileNotFoundException($"the {key} is gone from {Paths.Root}");
    }

    /// <summary>Null if it is not called so any more.</summary>
    private static SafeFileHandle? TryOpen(string path, FileAccess access)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, access, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }
}
