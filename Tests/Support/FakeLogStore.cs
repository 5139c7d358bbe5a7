using System.Collections.Immutable;
using Builds.Artifacts;
using Builds.Jobs;
using Builds.Logs;

namespace Builds.Tests;

/// <summary>Logs and artifacts in memory.</summary>
public sealed class FakeLogStore : ILogStore, IArtifactStore
{
    private readonly Lock gate = new();
    private readonly Dictionary<(JobId Job, int Attempt, string Task), (MemoryStream Bytes, bool Sealed)> logs = [];
    private readonly HashSet<(JobId, int)> closed = [];
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>All that was written to a log; null task: the setup log.</summary>
    public string Text(JobId job, int attempt, string? task)
    {
        lock (gate)
            return logs.TryGetValue((job, attempt, task ?? ""), out var log) ? System.Text.Encoding.UTF8.GetString(log.Bytes.ToArray()) : "(no such log)";
    }

    public Task<ILogAppender> Create(JobId job, int attempt, string? task, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (closed.Contains((job, attempt)) || !logs.TryAdd((job, attempt, task ?? ""), (new MemoryStream(), false)))
                throw new AttemptClosedException($"job {job}, attempt {attempt}, log '{task}'");
            Pulse();
            return Task.FromResult<ILogAppender>(new Appender(this, (job, attempt, task ?? "")));
        }
    }

    public Task<ImmutableArray<LogLength>> Close(JobId job, int attempt, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            closed.Add((job, attempt));
            Pulse();
            return Task.FromResult(logs.Where(log => log.Key.Job == job && log.Key.Attempt == attempt).OrderBy(log => log.Key.Task, StringComparer.Ordinal)
                .Select(log => new LogLength(log.Key.Task.Length == 0 ? null : log.Key.Task, log.Value.Bytes.Length)).ToImmutableArray());
        }
    }

    public Task<LogState?> Find(JobId job, int attempt, string? task, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return Task.FromResult<LogState?>(logs.TryGetValue((job, attempt, task ?? ""), out var log)
                ? new LogState(log.Bytes.Length, log.Sealed || closed.Contains((job, attempt)))
                : null);
        }
    }

    public ValueTask<int> Read(JobId job, int attempt, string? task, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            var bytes = logs[(job, attempt, task ?? "")].Bytes.ToArray().AsMemory((int)offset);
            var count = Math.Min(bytes.Length, buffer.Length);
            bytes[..count].CopyTo(buffer);
            return ValueTask.FromResult(count);
        }
    }

    public async Task<LogState> WaitForMore(JobId job, int attempt, string? task, long knownLength, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task pulse;
            lock (gate)
                pulse = changed.Task;
            if (await Find(job, attempt, task, cancellationToken) is { } state && (state.Length > knownLength || state.Sealed))
                return state;
            await pulse.WaitAsync(cancellationToken);
        }
    }

    public Task<Artifact> Store(JobId job, int attempt, int number, string path, Stream content, CancellationToken cancellationToken) =>
        Task.FromResult(new Artifact(number, path, Path.GetFileName(path), "0123456789abcdef", 0, new string('0', 64), Some.Time));

    public Task<Stream?> Open(JobId job, string key, string name, CancellationToken cancellationToken) => Task.FromResult<Stream?>(null);

    /// <summary>Told of what is about to be deleted: <c>logs</c> or <c>artifacts</c>; may throw, and then it is not.</summary>
    public Func<string, JobId, Task> Deleting { get; set; } = static (_, _) => Task.CompletedTask;

    async Task ILogStore.Delete(JobId job, CancellationToken cancellationToken)
    {
        await Deleting("logs", job);
        lock (gate)
        {
            foreach (var key in logs.Keys.Where(key => key.Job == job).ToList())
                logs.Remove(key);
        }
    }

    Task IArtifactStore.Delete(JobId job, CancellationToken cancellationToken) => Deleting("artifacts", job);

    private void Pulse()
    {
        changed.TrySetResult();
        changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Appender(FakeLogStore store, (JobId Job, int Attempt, string Task) key) : ILogAppender
    {
        public ValueTask Append(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            lock (store.gate)
            {
                if (store.closed.Contains((key.Job, key.Attempt)))
                    throw new AttemptClosedException($"job {key.Job}, attempt {key.Attempt}");
                store.logs[key].Bytes.Write(bytes.Span);
                store.Pulse();
            }

            return default;
        }

        public ValueTask Seal(CancellationToken cancellationToken)
        {
            lock (store.gate)
            {
                store.logs[key] = (store.logs[key].Bytes, true);
                store.Pulse();
            }

            return default;
        }

        public ValueTask DisposeAsync() => default;
    }
}
