using Builds.Execution;
using Builds.Jobs;
using Builds.Logs;
using Builds.Workers;
using Microsoft.Extensions.Time.Testing;

namespace Builds.Tests.Workers;

public sealed class AttemptRecorderTests
{
    [Fact]
    public async Task Why_a_job_failed_is_told_without_its_secrets()
    {
        var store = new FakeLogStore();
        var logs = new AttemptLogs(store, new JobId(7), 1, new LogOptions(), new FakeTimeProvider(Some.Time));
        // Nothing is reported here, and the job is not asked.
        await using var recorder = new AttemptRecorder(job: null!, logs, reporter: null!, store);
        recorder.Hide(SecretMask.Of(["hunter22"u8.ToArray()]));

        recorder.Mask(new BuildOutcome.Failed(FailReason.Artifact, "hunter22.txt is no file")).ShouldBe(new BuildOutcome.Failed(FailReason.Artifact, "***.txt is no file"));
        recorder.Mask(new BuildOutcome.Failed(FailReason.Task, null)).ShouldBe(new BuildOutcome.Failed(FailReason.Task, null));
        recorder.Mask(new BuildOutcome.Stopped()).ShouldBe(new BuildOutcome.Stopped());
        await recorder.Finish(new AttemptEnd.Failed(FailReason.Artifact, "hunter22.txt is no file"), default);

        store.Text(new JobId(7), 1, null).ShouldEndWith("Build complete: failed (artifact): ***.txt is no file\n");
    }
}
