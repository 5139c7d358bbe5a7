using System.Globalization;
using System.Text;
using Builds.Execution;
using Builds.Jobs;

namespace Builds.Logs;

/// <summary>
/// The logs of one attempt: a setup log, which begins with its first line, and one for each task that begins. Throws
/// <see cref="AttemptClosedException"/> once the attempt was given up, and <see cref="LogLimitException"/> for output beyond the
/// job's share; the runner's own lines are always taken. What is secret is masked in all of them. For one caller at a time.
/// </summary>
/// <param name="earlier">Bytes in the logs of the job's earlier attempts, which count towards its limit.</param>
public sealed class AttemptLogs(ILogStore store, JobId job, int attempt, LogOptions options, TimeProvider clock, long earlier = 0) : IAsyncDisposable
{
    private MaskedLog? setup;
    private MaskedLog? task;
    private SecretMask mask = SecretMask.None;
    private long written = earlier;

    /// <summary>
    /// From now on these secrets are in no log of the attempt. To be called before any command runs, and once: a repeat throws
    /// <see cref="InvalidOperationException"/>.
    /// </summary>
    public void Hide(SecretMask mask)
    {
        if (this.mask != SecretMask.None || task is not null)
            throw new InvalidOperationException($"job {job}: what is secret must be known before any command runs, once");
        this.mask = mask;
        setup?.Hide(mask);
    }

    /// <summary>A text for people that comes into no log, such as why a job failed, without its secrets.</summary>
    public string Mask(string text) => mask.Mask(text);

    /// <summary>Writes to the setup log as the runner itself: prefix, text, line end (contract/manifest section 5).</summary>
    public async ValueTask Say(string line, CancellationToken cancellationToken)
    {
        var prefix = string.Create(CultureInfo.InvariantCulture, $"[#{job}] {clock.GetUtcNow().UtcDateTime:yyyy'/'MM'/'dd HH':'mm':'ss} ");
        var text = new StringBuilder();
        // Before prefixes come between the lines of a secret.
        foreach (var part in mask.Mask(line).AsSpan().EnumerateLines())
            text.Append(prefix).Append(part).Append('\n');
        await (await Setup(cancellationToken)).Write(Encoding.UTF8.GetBytes(text.ToString()), cancellationToken);
    }

    /// <summary>Writes output to the setup log, as it is but for secrets.</summary>
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
        task = new MaskedLog(new LogWriter(await store.Create(job, attempt, name, cancellationToken), clock), mask);
    }

    /// <summary>Writes output to the running task's log, as it is but for secrets.</summary>
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

    private async ValueTask<MaskedLog> Setup(CancellationToken cancellationToken) =>
        setup ??= new MaskedLog(new LogWriter(await store.Create(job, attempt, task: null, cancellationToken), clock), mask);

    private async ValueTask Output(MaskedLog log, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var allowed = (int)Math.Clamp(options.MaxJobBytes - written, 0, bytes.Length);
        await log.Write(bytes[..allowed], cancellationToken);
        written += allowed;
        if (allowed < bytes.Length)
            throw new LogLimitException($"the logs of the job have more than {options.MaxJobBytes} bytes, the limit for one job");
    }
}
