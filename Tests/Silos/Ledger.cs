using System.Buffers;
using System.Collections.Concurrent;

namespace Builds.Tests.Silos;

/// <summary>Everything that silos of one data directory have acknowledged or shown, as those outside remember it. Thread safe.</summary>
/// <param name="run">The mark of its builds.</param>
/// <param name="before">A line that each of their tasks runs first.</param>
internal sealed class Ledger(string run, string before = ":")
{
    private readonly Lock gate = new();
    private readonly Dictionary<int, string> finals = [];
    private int events;
    private readonly List<(int At, TaskCompletionSource Reached)> goals = [];

    /// <summary>Notes a submission that is about to be sent.</summary>
    public Submission Add(Recipe recipe, string? key, bool execute)
    {
        var submission = new Submission(recipe, recipe.Manifest(run, before), key, execute);
        Submissions.Enqueue(submission);
        return submission;
    }

    public ConcurrentQueue<Submission> Submissions { get; } = [];
    public ConcurrentQueue<KnownToken> Tokens { get; } = [];

    /// <summary>Acknowledged groups and their jobs, which they were told to start.</summary>
    public ConcurrentDictionary<int, int[]> Groups { get; } = [];

    public ConcurrentDictionary<(int Job, string? Task), SeenLog> Logs { get; } = [];

    /// <summary>Completes when so many more answers and pieces of logs have come in.</summary>
    public Task Later(int more)
    {
        lock (gate)
        {
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            goals.Add((events + more, reached));
            return reached.Task;
        }
    }

    /// <summary>An answer or a piece of a log came in.</summary>
    public void Event()
    {
        lock (gate)
        {
            events++;
            foreach (var goal in goals.Where(goal => goal.At <= events))
                goal.Reached.TrySetResult();
            goals.RemoveAll(goal => goal.At <= events);
        }
    }

    /// <summary>A job was seen in a final status; never before in another one.</summary>
    public void Final(int job, string shown)
    {
        lock (gate)
        {
            if (!finals.TryAdd(job, shown) && finals[job] != shown)
                throw new HarnessException($"job {job} was final and changed: {finals[job]} became {shown}");
        }
    }
}

/// <summary>A POST of a job, and what came back.</summary>
internal sealed class Submission(Recipe recipe, string manifest, string? key, bool execute)
{
    private int id;

    public Recipe Recipe => recipe;

    /// <summary>Unique; the job bears it.</summary>
    public string Tag { get; } = $"t{Guid.NewGuid():N}";

    public string? Key => key;
    public bool Execute => execute;

    /// <summary>The id that was acknowledged; null: no answer came.</summary>
    public int? Id => id == 0 ? null : id;

    public bool StartAcknowledged { get; set; }
    public bool CancelAcknowledged { get; set; }

    /// <summary>True: somebody was told that it will run or end.</summary>
    public bool MustEnd => Id is not null && (execute || StartAcknowledged || CancelAcknowledged);

    public object Body => new { manifest, tags = new[] { Tag }, execute };

    public void Acknowledged(int answered)
    {
        var before = Interlocked.CompareExchange(ref id, answered, 0);
        if (before != 0 && before != answered)
            throw new HarnessException($"one submission (tag {Tag}, Idempotency-Key {key}) has two ids: {before} and {answered}");
    }
}

/// <summary>A token that was acknowledged, and what is known of its revocation.</summary>
internal sealed class KnownToken(string id, string text)
{
    public string Id => id;
    public string Text => text;
    public bool RevocationAsked { get; set; }
    public bool RevocationAcknowledged { get; set; }
}

/// <summary>What one reader has seen of a log, from its beginning.</summary>
internal sealed class SeenLog(int job, string? task)
{
    private readonly ArrayBufferWriter<byte> bytes = new();

    public int Job => job;
    public string Path => task is null ? $"/logs/{job}/log" : $"/logs/{job}/{task}/log";

    public long Length
    {
        get
        {
            lock (bytes)
                return bytes.WrittenCount;
        }
    }

    public void Append(ReadOnlySpan<byte> more)
    {
        lock (bytes)
            bytes.Write(more);
    }

    /// <summary>Throws unless every byte that was seen is at its place.</summary>
    public void Compare(byte[] now)
    {
        lock (bytes)
        {
            var seen = bytes.WrittenSpan;
            if (now.Length < seen.Length)
                throw new HarnessException($"{Path}: a reader saw {seen.Length} bytes, now there are {now.Length}");
            var same = seen.CommonPrefixLength(now);
            if (same < seen.Length)
                throw new HarnessException($"{Path}: byte {same} of {seen.Length} that a reader saw has changed; seen: …{Text(seen, same)}…; now: …{Text(now, same)}…");
        }
    }

    private static string Text(ReadOnlySpan<byte> log, int around)
    {
        var from = Math.Max(0, around - 60);
        return System.Text.Encoding.UTF8.GetString(log[from..Math.Min(log.Length, around + 60)]);
    }
}
