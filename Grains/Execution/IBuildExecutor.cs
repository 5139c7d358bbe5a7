using System.Collections.Immutable;
using System.Text;
using Builds.Jobs;
using Builds.Logs;
using Builds.Manifests;
using Builds.Secrets;

namespace Builds.Execution;

/// <summary>
/// The machine's part of a worker: runs attempts in sandboxes. Implemented by drivers in Silo, and by the fake of the
/// test harness. <see cref="Run"/> is called at most once per slot at a time, from any thread; slots are numbered from 0.
/// </summary>
public interface IBuildExecutor
{
    /// <summary>The images that it can run, as a manifest names them.</summary>
    ImmutableArray<string> Images { get; }

    /// <summary>
    /// Prepares, runs and removes the environment of one attempt. Returns only when no process of the attempt is alive, unless the
    /// environment is parked for people to look at: stopped, in no slot, and looked after by the driver, which ends it with the lease, in
    /// its own time, or when <paramref name="kill"/> comes afterwards.
    /// Does not throw for anything that a build can do; a broken machine is <see cref="FailReason.Internal"/> with a reason in
    /// the setup log. <paramref name="stop"/> asks for TERM inside, grace, KILL; <paramref name="kill"/> for KILL at once.
    /// Both end with <see cref="BuildOutcome.Stopped"/>, the running task being failed.
    /// </summary>
    Task<BuildOutcome> Run(BuildPlan plan, IBuildRecorder recorder, CancellationToken stop, CancellationToken kill);

    /// <summary>
    /// Every sandbox, now and from now on, ends by itself when CLOCK_BOOTTIME passes <paramref name="leaseEnd"/> (time since
    /// boot). Called once a second while the lease holds; never blocks.
    /// </summary>
    void Renew(TimeSpan leaseEnd);
}

/// <summary>What one attempt is to do.</summary>
public sealed record BuildPlan
{
    public required JobId Job { get; init; }
    /// <summary>From 1.</summary>
    public required int Attempt { get; init; }
    /// <summary>From 0; no two running attempts of a worker share one.</summary>
    public required int Slot { get; init; }
    /// <summary>Without the tilde.</summary>
    public required string Owner { get; init; }
    /// <summary>The public address of the job, for <c>JOB_URL</c>.</summary>
    public required string JobUrl { get; init; }
    public required BuildManifest Manifest { get; init; }
    /// <summary>Whether the build may use its owner's secrets.</summary>
    public bool Secrets { get; init; }
    /// <summary>Those that the manifest names, opened, in its order; none without <see cref="Secrets"/>.</summary>
    public ImmutableArray<BuildSecret> Opened { get; init; } = [];
    /// <summary>The text of its token, for <c>OAUTH2_TOKEN</c> and hut; null: it has none.</summary>
    public string? Token { get; init; }

    /// <summary>What nobody may find in a log: the values of its secrets, and its token.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Confidential =>
        Token is null ? Opened.Select(secret => secret.Bytes) : [.. Opened.Select(secret => secret.Bytes), Encoding.UTF8.GetBytes(Token)];

    // A record prints its parts; this one must not.
    public override string ToString() => $"attempt {Attempt} of job {Job} of {Owner}";
}

/// <summary>
/// Where a running build tells what happens. One caller at a time. Any call may throw <see cref="AttemptClosedException"/> (the
/// attempt is not ours any more) or <see cref="LogLimitException"/>; the executor then kills and ends.
/// </summary>
public interface IBuildRecorder
{
    /// <summary>Writes to the setup log as the runner itself, with the runner's prefix and a line end.</summary>
    ValueTask Say(string line, CancellationToken cancellationToken);

    /// <summary>Writes output of a command to the setup log, as it is.</summary>
    ValueTask SetupOutput(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>A source is checked out.</summary>
    /// <param name="source">As the manifest names it, without a password (<see cref="SourceReference.Shown"/>).</param>
    /// <param name="commit">The full hash.</param>
    void SourceReady(string source, string commit);

    /// <summary>The task with this index (from 0, manifest order) begins: its log exists from now on.</summary>
    ValueTask TaskStarted(int index, CancellationToken cancellationToken);

    /// <summary>Output of the running task, in the order written.</summary>
    ValueTask TaskOutput(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Success or failed for the running task; skipped for one that did not begin. Its log is sealed.</summary>
    ValueTask TaskEnded(int index, BuildTaskStatus status, CancellationToken cancellationToken);

    /// <summary>Stores a file; throws <see cref="Builds.Artifacts.ArtifactTooLargeException"/>.</summary>
    ValueTask StoreArtifact(string path, Stream content, CancellationToken cancellationToken);
}

/// <summary>How a run ended.</summary>
public abstract record BuildOutcome
{
    private BuildOutcome() { }

    public sealed record Succeeded : BuildOutcome;

    /// <param name="Detail">One sentence for people; null if the logs say it all.</param>
    public sealed record Failed(FailReason Reason, string? Detail) : BuildOutcome;

    /// <summary>Ended because it was asked to, or because the lease ran out.</summary>
    public sealed record Stopped : BuildOutcome;
}

/// <summary>The logs of the job are larger than allowed.</summary>
public sealed class LogLimitException(string message) : Exception(message);
