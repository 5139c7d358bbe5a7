using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Builds.Execution;
using Builds.Jobs;

namespace Builds.Support;

/// <summary>A recorder that keeps everything in memory, and lets tests wait for what is said to it.</summary>
internal sealed class FakeRecorder : IBuildRecorder
{
    private readonly Lock _gate = new();
    private const int SetupLog = -1;
    private readonly Dictionary<int, MemoryStream> _logs = new() { [SetupLog] = new() };
    private readonly List<(Func<FakeRecorder, bool> Condition, TaskCompletionSource Reached)> _waits = [];
    private int _running = -1;

    /// <summary>Called before each piece of task output is kept; may throw what a recorder may throw.</summary>
    public Func<ReadOnlyMemory<byte>, ValueTask> BeforeOutput { get; set; } = static _ => ValueTask.CompletedTask;

    public ConcurrentDictionary<int, BuildTaskStatus> Statuses { get; } = [];
    public ConcurrentDictionary<string, byte[]> Artifacts { get; } = [];
    public List<(string Source, string Commit)> Sources { get; } = [];

    /// <summary>The setup log: the runner's own lines begin with <c># </c>, output does not.</summary>
    public string Setup => Log(SetupLog);

    public string Log(int task)
    {
        lock (_gate) return _logs.TryGetValue(task, out var log) ? Encoding.UTF8.GetString(log.ToArray()) : "";
    }

    public byte[] Bytes(int task)
    {
        lock (_gate) return _logs[task].ToArray();
    }

    public long Length(int task)
    {
        lock (_gate) return _logs.TryGetValue(task, out var log) ? log.Length : 0;
    }

    /// <summary>Everything, as one text that a test can compare whole.</summary>
    public string Transcript(BuildOutcome outcome)
    {
        var text = new StringBuilder().Append("setup:\n").Append(Setup);
        foreach (var (index, status) in Statuses.OrderBy(s => s.Key))
            text.Append($"task {index} {status}:\n").Append(Log(index));
        foreach (var (path, bytes) in Artifacts.OrderBy(a => a.Key, StringComparer.Ordinal))
            text.Append($"artifact {path}: {bytes.Length} bytes {Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]}\n");
        return text.Append($"outcome: {outcome}\n").ToString();
    }

    /// <summary>Completes when the condition holds; looked at after everything that is recorded.</summary>
    public async Task Until(Func<FakeRecorder, bool> condition)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate) _waits.Add((condition, reached));
        Changed();
        try
        {
            await reached.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"Not seen within 30 seconds. The setup log:\n{Setup}\nThe running task's:\n{Log(_running)}", e);
        }
    }

    public ValueTask Say(string line, CancellationToken cancellationToken) =>
        Append(SetupLog, Encoding.UTF8.GetBytes($"# {line}\n"));

    public ValueTask SetupOutput(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => Append(SetupLog, bytes);

    public void SourceReady(string source, string commit)
    {
        lock (_gate) Sources.Add((source, commit));
    }

    public ValueTask TaskStarted(int index, CancellationToken cancellationToken)
    {
        lock (_gate) _logs.Add(index, new MemoryStream());
        Statuses[index] = BuildTaskStatus.Running;
        _running = index;
        Changed();
        return ValueTask.CompletedTask;
    }

    public async ValueTask TaskOutput(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await BeforeOutput(bytes);
        await Append(_running, bytes);
    }

    public ValueTask TaskEnded(int index, BuildTaskStatus status, CancellationToken cancellationToken)
    {
        Statuses[index] = status;
        Changed();
        return ValueTask.CompletedTask;
    }

    public async ValueTask StoreArtifact(string path, Stream content, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        await content.CopyToAsync(bytes, cancellationToken);
        Artifacts[path] = bytes.ToArray();
        Changed();
    }

    private ValueTask Append(int log, ReadOnlyMemory<byte> bytes)
    {
        lock (_gate) _logs[log].Write(bytes.Span);
        Changed();
        return ValueTask.CompletedTask;
    }

    private void Changed()
    {
        ImmutableArray<(Func<FakeRecorder, bool> Condition, TaskCompletionSource Reached)> waits;
        lock (_gate) waits = [.. _waits];
        foreach (var wait in waits)
            if (wait.Condition(this)) wait.Reached.TrySetResult();
    }
}
