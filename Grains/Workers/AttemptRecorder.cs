using System.Collections.Immutable;
using Builds.Artifacts;
using Builds.Execution;
using Builds.Jobs;
using Builds.Logs;
using Microsoft.Extensions.Options;

namespace Builds.Workers;

/// <summary>Where a build tells what happens: output goes to the logs, task states to the reporter, files to the artifact store.</summary>
public sealed class AttemptRecorder(JobSnapshot job, AttemptLogs logs, AttemptReporter reporter, IArtifactStore store) : IBuildRecorder, IAsyncDisposable
{
    public JobId Job => job.Id;

    public int Attempt => job.Attempt;

    /// <summary>What was stored so far, in order.</summary>
    public ImmutableArray<Artifact> Artifacts { get; private set; } = [];

    public ValueTask Say(string line, CancellationToken cancellationToken) => logs.Say(line, cancellationToken);

    public ValueTask SetupOutput(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => logs.SetupOutput(bytes, cancellationToken);

    public void SourceReady(string source, string commit) => reporter.Checked(new SourceCommit(source, commit));

    public async ValueTask TaskStarted(int index, CancellationToken cancellationToken)
    {
        await logs.StartTask(job.Tasks[index].Name, cancellationToken);
        reporter.Progress(index, BuildTaskStatus.Running);
    }

    public ValueTask TaskOutput(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => logs.TaskOutput(bytes, cancellationToken);

    public async ValueTask TaskEnded(int index, BuildTaskStatus status, CancellationToken cancellationToken)
    {
        if (status != BuildTaskStatus.Skipped)
            await logs.EndTask(cancellationToken);
        reporter.Progress(index, status);
    }

    public async ValueTask StoreArtifact(string path, Stream content, CancellationToken cancellationToken) =>
        Artifacts = Artifacts.Add(await store.Store(job.Id, job.Attempt, Artifacts.Length + 1, path, content, cancellationToken));

    /// <summary>From now on these secrets are in no log, and in no reason that is given; once, before any command runs.</summary>
    public void Hide(SecretMask mask) => logs.Hide(mask);

    /// <summary>The same outcome, told without secrets: a reason may repeat what a command or a file name said.</summary>
    public BuildOutcome Mask(BuildOutcome outcome) =>
        outcome is BuildOutcome.Failed { Detail: { } detail } failed ? failed with { Detail = logs.Mask(detail) } : outcome;

    /// <summary>Says how it ended and seals every log: all bytes are on disk when this answers.</summary>
    /// <param name="lost">Nobody wants the attempt any more: then a store that cannot be reached is not waited for.</param>
    public async Task Finish(AttemptEnd end, CancellationToken lost)
    {
        await logs.Say(end switch
        {
            AttemptEnd.Succeeded => "Build complete: success",
            AttemptEnd.Failed { Detail: null } failed => $"Build complete: failed ({failed.Reason.Word()})",
            AttemptEnd.Failed failed => $"Build complete: failed ({failed.Reason.Word()}): {failed.Detail}",
            AttemptEnd.HandedBack handed => $"The job goes back to the queue: {handed.Why ?? AttemptEnd.HandedBack.Leaving}",
            _ => throw new System.Diagnostics.UnreachableException(end.GetType().Name),
        }, lost);
        await logs.Seal(lost);
    }

    public ValueTask DisposeAsync() => logs.DisposeAsync();
}

/// <summary>Makes the recorder of an attempt.</summary>
public sealed class AttemptRecorderFactory(ILogStore logStore, IArtifactStore artifacts, IOptions<LogOptions> options, TimeProvider clock)
{
    public AttemptRecorder Create(JobSnapshot job, AttemptReporter reporter) =>
        new(job, new AttemptLogs(logStore, job.Id, job.Attempt, options.Value, clock, EarlierBytes(job)), reporter, artifacts);

    /// <summary>From here on no byte is added to the logs of this attempt, whoever writes.</summary>
    public Task Close(JobSnapshot job) => logStore.Close(job.Id, job.Attempt, CancellationToken.None);

    private static long EarlierBytes(JobSnapshot job) => job.EndedAttempts.Sum(ended => ended.Logs.Sum(log => log.Length));
}
