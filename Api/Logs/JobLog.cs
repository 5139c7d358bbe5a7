using System.Collections.Immutable;
using System.Text;
using Builds.Jobs;

namespace Builds.Logs;

/// <summary>
/// One log of a job, setup or a task, as it stands at one moment: its attempts in order, joined by one separator line. Made only of
/// what never changes (ended attempts, with their fixed lengths) and the visible bytes of the current attempt, so that a byte keeps its
/// offset for ever.
/// </summary>
public sealed class JobLog
{
    private readonly ILogStore store;
    private readonly JobId job;
    private readonly string? task;
    private readonly ImmutableArray<Part> parts;

    private JobLog(ILogStore store, JobId job, string? task, ImmutableArray<Part> parts, int? growing, bool isSealed)
    {
        (this.store, this.job, this.task, this.parts) = (store, job, task, parts);
        (Growing, IsSealed) = (growing, isSealed);
    }

    /// <summary>In bytes; at least what an earlier look at the same log saw.</summary>
    public long Length => parts is [.., var last] ? last.Start + last.Length : 0;

    /// <summary>The attempt whose log may still grow, or begin; null if none runs.</summary>
    public int? Growing { get; }

    /// <summary>How much of <see cref="Length"/> belongs to <see cref="Growing"/>; -1 while its log does not exist.</summary>
    public long GrowingLength => Growing is { } attempt && parts is [.., { Text: null } last] && last.Attempt == attempt ? last.Length : -1;

    /// <summary>True once the job is final: nothing is ever added.</summary>
    public bool IsSealed { get; }

    /// <summary>False while no attempt has begun this log.</summary>
    public bool Exists => !parts.IsEmpty;

    /// <summary>The log as it is now.</summary>
    /// <param name="job">As stored; an older record than the newest shows a beginning of what a newer one would.</param>
    /// <param name="task">One of the job's tasks, or null for the setup log.</param>
    public static async Task<JobLog> Open(ILogStore store, JobSnapshot job, string? task, CancellationToken cancellationToken)
    {
        var found = ImmutableArray<Part>.Empty;
        foreach (var ended in job.EndedAttempts)
        {
            if (ended.Logs.FirstOrDefault(log => log.Task == task) is { } log)
                found = await Join(store, job, task, found, ended.Attempt, log.Length, cancellationToken);
        }

        var current = job.Attempt > 0 && job.EndedAttempts.All(ended => ended.Attempt != job.Attempt) ? job.Attempt : (int?)null;
        if (current is { } attempt && await store.Find(job.Id, attempt, task, cancellationToken) is { } state)
            found = await Join(store, job, task, found, attempt, state.Length, cancellationToken);
        return new JobLog(store, job.Id, task, found, job.Status.IsFinal() ? null : current, job.Status.IsFinal());
    }

    /// <summary>Fills from <paramref name="offset"/> on as much as one part of the log has; 0 only at the end.</summary>
    /// <exception cref="IOException">Stored bytes are missing.</exception>
    public async ValueTask<int> Read(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        foreach (var part in parts)
        {
            var within = offset - part.Start;
            if (within >= part.Length || buffer.IsEmpty)
                continue;
            var wanted = buffer[..(int)Math.Min(buffer.Length, part.Length - within)];
            if (part.Text is { } text)
            {
                text.AsMemory((int)within, wanted.Length).CopyTo(wanted);
                return wanted.Length;
            }

            return await store.Read(job, part.Attempt, task, within, wanted, cancellationToken) is > 0 and var count
                ? count
                : throw new IOException($"the log of job {job}, attempt {part.Attempt}, task '{task}' ends at {within}; {part.Length} bytes of it were stored");
        }

        return 0;
    }

    private static async Task<ImmutableArray<Part>> Join(
        ILogStore store, JobSnapshot job, string? task, ImmutableArray<Part> parts, int attempt, long length, CancellationToken cancellationToken)
    {
        if (parts is not [.., var before])
            return [new Part(0, attempt, length, Text: null)];
        var text = Encoding.UTF8.GetBytes(await Separator(store, job, task, before, attempt, cancellationToken));
        var begin = before.Start + before.Length;
        return [.. parts, new Part(begin, before.Attempt, text.Length, text), new Part(begin + text.Length, attempt, length, Text: null)];
    }

    // The last line may be torn, since its writer was killed. Ended logs do not change, so neither does this text.
    private static async Task<string> Separator(ILogStore store, JobSnapshot job, string? task, Part before, int next, CancellationToken cancellationToken)
    {
        var last = new byte[1];
        var torn = before.Length > 0
            && await store.Read(job.Id, before.Attempt, task, before.Length - 1, last, cancellationToken) == 1
            && last[0] != '\n';
        var why = job.EndedAttempts.First(ended => ended.Attempt == before.Attempt).Why;
        return $"{(torn ? "\n" : "")}[#{job.Id}] Attempt {before.Attempt} ends here: {why.ReplaceLineEndings(" ")}. Attempt {next} follows.\n";
    }

    /// <param name="Text">The separator itself; null for bytes of the attempt's log.</param>
    private sealed record Part(long Start, int Attempt, long Length, byte[]? Text);
}
