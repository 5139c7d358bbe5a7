using Builds.Execution;
using Builds.Jobs;
using Builds.Logs;
using Builds.Manifests;
using Builds.Secrets;
using Builds.Users;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Builds.Workers;

/// <summary>One attempt from claim to end: claim → run → seal the logs → report. Only the job's record decides what counts.</summary>
public sealed partial class AttemptRunner(
    IGrainFactory grains,
    IBuildExecutor executor,
    AttemptRecorderFactory recorders,
    AttemptSecrets secrets,
    BuildTokens tokens,
    JobAddress address,
    IOptions<JobOptions> options,
    IOptions<WorkerOptions> worker,
    IOptions<LeaseOptions> lease,
    TimeProvider clock,
    ILogger<AttemptRunner> logger)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);

    /// <summary>Returns when no process of the attempt is alive and its end was heard, or nobody wants to hear it any more.</summary>
    public async Task Run(HeldAttempt held, WorkerAgent agent)
    {
        try
        {
            if (await Claim(held, agent) is { } job)
                await Execute(held, job, agent);
        }
        catch (Exception error)
        {
            // The slot is given back without a report: the queue sees the attempt gone and asks for another one.
            LogBroken(error, held.Job, held.Attempt);
        }
    }

    private async Task<JobSnapshot?> Claim(HeldAttempt held, WorkerAgent agent)
    {
        var grain = grains.GetGrain<IJobGrain>(held.Job.Value);
        var claim = new JobClaim(agent.Identity.Name, agent.Identity.Incarnation, held.DispatchId);
        while (agent.LeaseHolds && !held.Killing.IsCancellationRequested)
        {
            try
            {
                if (await grain.Claim(claim) is not ClaimResult.Granted { Job: var job })
                    return null;
                KillPoint.Reached("attempt.claimed");
                agent.Claimed(held, job.Attempt);
                // The answer may have been long on its way: without a lease the attempt must not begin.
                if (!agent.LeaseHolds)
                    held.End(agent.LeaseEnd);
                return job;
            }
            catch (Exception error)
            {
                // Unknown outcome. The same dispatch claims the same attempt.
                LogClaimFailed(error, held.Job);
            }

            await Task.Delay(RetryAfter, clock, CancellationToken.None);
        }

        return null;
    }

    private async Task Execute(HeldAttempt held, JobSnapshot job, WorkerAgent agent)
    {
        var reporter = new AttemptReporter(
            grains.GetGrain<IJobGrain>(job.Id.Value), job.Attempt, job.Tasks.Length, result => Obey(held, result), clock, logger);
        AttemptEnd? end;
        await using (var recorder = recorders.Create(job, reporter))
        {
            var build = Build(held, job, recorder);
            if (await HungBuild.Hangs(build, held, worker.Value.HungAfter, clock))
                await GiveUp(held, job, reporter);
            var outcome = recorder.Mask(await build);
            // The sandbox ended by itself, since the lease ran out before this worker noticed.
            if (outcome is BuildOutcome.Stopped && held.Cause == StopCause.None)
                held.End(agent.LeaseEnd);
            end = Settle(held, outcome);
            KillPoint.Reached("attempt.built");
            if (end is not null)
                end = await Seal(recorder, end, held.Lost);
            if (end is not null)
            {
                agent.Ended(end);
                await reporter.Finish(end, recorder.Artifacts, held.Lost);
                KillPoint.Reached("attempt.reported");
            }
        }

        LogEnded(job.Id, job.Attempt, end?.GetType().Name ?? "lost");
    }

    private async Task<BuildOutcome> Build(HeldAttempt held, JobSnapshot job, AttemptRecorder recorder)
    {
        if (ManifestParser.Parse(job.Manifest) is not ManifestResult.Accepted { Manifest: var manifest })
            return new BuildOutcome.Failed(FailReason.Internal, "the stored manifest does not validate any more");

        string? token = null;
        await using var limit = clock.CreateTimer(_ => held.End(StopCause.Timeout), null, options.Value.Timeout, Timeout.InfiniteTimeSpan);
        try
        {
            if (job.EndedAttempts is [.., var last])
                await recorder.Say($"Attempt {job.Attempt} of this job; attempt {last.Attempt} was given up: {last.Why}", held.Killing);
            if (!executor.Images.Contains(manifest.Image))
            {
                var detail = $"image '{manifest.Image}' is not on offer here; on offer: {string.Join(", ", executor.Images)}";
                await recorder.Say(detail, held.Killing);
                return new BuildOutcome.Failed(FailReason.Setup, detail);
            }

            using var unwanted = CancellationTokenSource.CreateLinkedTokenSource(held.Stopping, held.Killing);
            var found = await secrets.Find(job, job.Secrets ? manifest.Secrets : [], unwanted.Token);
            if (found is not SecretsResult.Found { Secrets: var opened })
            {
                var detail = $"secret '{((SecretsResult.Missing)found).Reference}' is not among the secrets of ~{job.Owner}: see 'builds secret list'";
                await recorder.Say(detail, held.Killing);
                return new BuildOutcome.Failed(FailReason.Setup, detail);
            }

            // The token of the build, if it gets one, is hidden too.
            if (opened.Sum(secret => secret.Bytes.Length) > SecretMask.MostBytes - TokenText.Length)
            {
                var detail = $"the secrets of the manifest have more than {SecretMask.MostBytes >> 10} KiB together, the most that can be hidden in logs; name fewer";
                await recorder.Say(detail, held.Killing);
                return new BuildOutcome.Failed(FailReason.Setup, detail);
            }

            token = await tokens.Grant(job, unwanted.Token);
            if (job.Secrets)
                await SayWhatIsNotGranted(job, manifest, recorder, held.Killing);
            var plan = new BuildPlan
            {
                Job = job.Id,
                Attempt = job.Attempt,
                Slot = held.Slot,
                Owner = job.Owner,
                JobUrl = address(job.Owner, job.Id),
                Manifest = manifest,
                Secrets = job.Secrets,
                Opened = opened,
                Token = token,
            };
            // Before anything of the build can say them.
            recorder.Hide(SecretMask.Of(plan.Confidential));
            return await executor.Run(plan, recorder, held.Stopping, held.Killing);
        }
        catch (AttemptClosedException)
        {
            // Somebody gave the attempt up; whoever did tells the story.
            held.End(StopCause.Lost);
            return new BuildOutcome.Stopped();
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            LogBroken(error, job.Id, job.Attempt);
            return new BuildOutcome.Failed(FailReason.Internal, $"the worker failed: {error.Message}");
        }
        catch (OperationCanceledException)
        {
            return new BuildOutcome.Stopped();
        }
        finally
        {
            await tokens.End(job, token);
        }
    }

    private static async Task SayWhatIsNotGranted(JobSnapshot job, BuildManifest manifest, AttemptRecorder recorder, CancellationToken cancellationToken)
    {
        var withheld = OAuthGrants.Read(manifest.OAuth).Where(asked => asked.Scope is null || !job.Grants.Contains(asked.Scope.ToString())).Select(asked => asked.Grant).ToList();
        if (withheld.Count > 0)
            await recorder.Say($"oauth: not granted: {string.Join(", ", withheld)}; this service does not have it, or the token of whoever submitted the job does not", cancellationToken);
    }

    /// <summary>
    /// The build cannot be ended. A job that was to end does, for it never runs again; one that would be queued again must wait until
    /// this silo is gone. The slot stays taken either way.
    /// </summary>
    private async Task GiveUp(HeldAttempt held, JobSnapshot job, AttemptReporter reporter)
    {
        LogHangs(job.Id, job.Attempt, held.Slot);
        if (held.Cause is not (StopCause.Cancelled or StopCause.Timeout) || Settle(held, new BuildOutcome.Stopped()) is not AttemptEnd.Failed end)
            return;
        try
        {
            // The executor may still hold the writers: nothing more is to come into the logs of a job that has ended.
            await recorders.Close(job);
        }
        catch (IOException error)
        {
            LogBroken(error, job.Id, job.Attempt);
        }

        const string Hangs = "the build could not be ended, and its slot stays closed until it is gone";
        await reporter.Finish(end with { Detail = end.Detail is { } why ? $"{why}; {Hangs}" : Hangs }, [], held.Lost);
    }

    /// <summary>What to report; null if nothing is to be reported.</summary>
    private AttemptEnd? Settle(HeldAttempt held, BuildOutcome outcome) => outcome switch
    {
        _ when held.Cause == StopCause.Lost => null,
        BuildOutcome.Succeeded => new AttemptEnd.Succeeded(),
        BuildOutcome.Failed failed => new AttemptEnd.Failed(failed.Reason, failed.Detail),
        BuildOutcome.Stopped => held.Cause switch
        {
            StopCause.Cancelled => new AttemptEnd.Failed(FailReason.Cancelled, null),
            StopCause.Timeout => new AttemptEnd.Failed(FailReason.Timeout, $"it ran for longer than {options.Value.Timeout}, the limit for a job"),
            StopCause.HandBack => new AttemptEnd.HandedBack(),
            StopCause.LeaseOver => new AttemptEnd.HandedBack($"the queue did not answer its worker within the lease of {lease.Value.Lease}"),
            StopCause.None or StopCause.Lost => null,
        },
        _ => throw new System.Diagnostics.UnreachableException(outcome.GetType().Name),
    };

    /// <summary>Every byte is on disk before the end is reported. A log that cannot be sealed is no basis for a success.</summary>
    private async Task<AttemptEnd?> Seal(AttemptRecorder recorder, AttemptEnd end, CancellationToken lost)
    {
        try
        {
            await recorder.Finish(end, lost);
            KillPoint.Reached("attempt.sealed");
            return end;
        }
        catch (Exception error) when (error is AttemptClosedException || lost.IsCancellationRequested)
        {
            return null;
        }
        catch (IOException error)
        {
            LogBroken(error, recorder.Job, recorder.Attempt);
            return new AttemptEnd.Failed(FailReason.Internal, $"the logs could not be stored: {error.Message}");
        }
    }

    private static void Obey(HeldAttempt held, ReportResult result)
    {
        if (result == ReportResult.CancelRequested)
            held.End(StopCause.Cancelled);
        else if (result == ReportResult.Stale)
            held.End(StopCause.Lost);
    }

    [LoggerMessage(EventId = 1320, Level = LogLevel.Error, Message = "Job {JobId}, attempt {Attempt}: the worker's own part failed")]
    private partial void LogBroken(Exception error, JobId jobId, int attempt);

    [LoggerMessage(EventId = 1321, Level = LogLevel.Warning, Message = "Job {JobId}: the claim had no answer; it is repeated")]
    private partial void LogClaimFailed(Exception error, JobId jobId);

    [LoggerMessage(EventId = 1323, Level = LogLevel.Error, Message = "Job {JobId}, attempt {Attempt}: the build does not end although it was killed; slot {Slot} stays closed until it does")]
    private partial void LogHangs(JobId jobId, int attempt, int slot);

    [LoggerMessage(EventId = 1322, Level = LogLevel.Debug, Message = "Job {JobId}, attempt {Attempt}: {End}")]
    private partial void LogEnded(JobId jobId, int attempt, string end);
}
