using System.Globalization;
using System.Text;
using Builds.Execution;
using Builds.Jobs;

namespace Builds.Logs;

/// <summary>
/// The logs of one attempt: a setup log, which begins with its first line, and one for each task that begins. Throws
/// <see cref="AttemptClosedException"/> once the attempt was given up, and <see cref="LogLimitException"/> for output beyond the
/// job's share; the runner's own lines are always taken. For one caller at a time.
/// </summary>
/// <param name="earlier">Bytes in the logs of the job's earlier attempts, which count towards its limit.</param>
public sealed class AttemptLogs(ILogStore store, JobId job, int attempt, LogOptions options, TimeProvider clock, long earlier = 0) : IAsyncDisposable
{
    private LogWriter? setup;
    private LogWriter? task;
    private long written = earlier;

    /// <summary>Writes to the setup log as the runner itself: prefix, text, line end (contract/manifest section 5).</summary>
    public async ValueTask Say(string line, CancellationToken cancellationToken)
    {
        var prefix = string.Create(CultureInfo.InvariantCulture, $"[#{job}] {clock.GetUtcNow().UtcDateTime:yyyy'/'MM'/'dd HH':'mm':'ss} ");
        var text = new StringBuilder();
        foreach (var part in line.AsSpan().EnumerateLines())
            text.Append(prefix).Append(part).Append('\n');
        await (await Setup(cancellationToken)).Write(Encoding.UTF8.GetBytes(text.ToString()), cancellationToken);
    }

    /// <summary>Writes output to the setup log, as it is.</summary>
    public async ValueTask SetupOutput(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        await Output(await Setup(cancellationToken), bytes, cancellationToken);

    /// <summary>
    /// The task's log exists when this answers, and readers see what setup said before: who follows a job reads setup first. An
    /// earlier task's log must have ended.
    /// </summary>
    public async ValueTask StartTask(string name, CancellationToken cancellationToken)
    {
        if (task is not null)
            throw new InvalidOperationException($"job {job}: task '{name}' begins before the one before it has ended");
        if (setup is not null)
            await setup.Flush(cancellationToken);
        task = new LogWriter(await store.Create(job, attempt, name, cancellationToken), clock);
    }

    /// <summary>Writes output to the running task's log, as it is.</summary>
    public ValueTask TaskOutput(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        Output(task ?? throw new InvalidOperationException($"job {job}: output of a task, but none is running"), bytes, cancellationToken);

    /// <summary>Seals the running task's log. Without a running task it does nothing.</summary>
    public async ValueTask EndTask(CancellationToken cancellationToken)
    {
        if (task is null)
            return;
        await task.Seal(cancellationToken);
        await task.DisposeAsync();
        task = null;
    }

    /// <summary>Seals every log: all bytes are on disk when this answers.</summary>
    public async ValueTask Seal(CancellationToken cancellationToken)
    {
        await EndTask(cancellationToken);
        await (await Setup(cancellationToken)).Seal(cancellationToken);
    }

    /// <summary>Without <see cref="Seal"/> the logs stay open until the attempt is given up.</summary>
    public async ValueTask DisposeAsync()
    {
        if (task is not null)
            await task.DisposeAsync();
        if (setup is not null)
            await setup.DisposeAsync();
    }

    private async ValueTask<LogWriter> Setup(CancellationToken cancellationToken) =>
        setup ??= new LogWriter(await store.Create(job, attempt, task: null, cancellationToken), clock);

    private async ValueTask Output(LogWriter log, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var allowed = (int)Math.Clamp(options.MaxJobBytes - written, 0, bytes.Length);
        await log.Write(bytes[..allowed], cancellationToken);
        written += allowed;
        if (allowed < bytes.Length)
            throw new LogLimitException($"the logs of the job have more than {options.MaxJobBytes} bytes, the limit for one job");
    }
}
