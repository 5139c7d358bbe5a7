using System.Collections.Immutable;
using System.Text;
using Builds.Execution.Sandbox;
using Builds.Jobs;

namespace Builds.Execution;

internal sealed partial class BuildRun
{
    /// <summary>Names what the manifest asks for and this version does not do. Not null: the build cannot be right without it.</summary>
    private async Task<BuildOutcome?> Refuse()
    {
        var manifest = plan.Manifest;
        foreach (var line in SetupRules.NotDone(manifest, plan.Secrets)) await Say($"Not done yet: {line}");
        var failures = SetupRules.Failures(manifest);
        if (failures.IsEmpty) return null;
        foreach (var failure in failures) await Say(failure);
        return new BuildOutcome.Failed(FailReason.Setup, string.Join("; ", failures));
    }

    private async Task<BuildOutcome?> CloneSources()
    {
        foreach (var source in plan.Manifest.Sources)
        {
            if (Stopping) return new BuildOutcome.Stopped();
            await Say($"Cloning {SourceReference.Shown(source)}");
            // What cannot be read was refused before.
            var reference = ((SourceResult.Parsed)SourceReference.Parse(source)).Source;
            foreach (var command in reference.Commands())
            {
                var order = place.Order([.. command]) with { Environment = [.. BuildEnvironment.Of(place.Home, place.Driver.ToolsInside), .. SourceEnvironment] };
                var end = await _guard.Run(order, bytes => recorder.SetupOutput(bytes, _kill));
                if (await FailureOf(end, $"{command[0]} for source {SourceReference.Shown(source)}", FailReason.Setup) is not { } failure) continue;
                if (failure is BuildOutcome.Failed)
                    await Say("Is the repository private? Its clone needs an SSH key among the secrets of the job: name it below secrets in the manifest");
                return failure;
            }
            if (await NoteCommit(reference, SourceReference.Shown(source)) is { } failed) return failed;
        }
        return null;
    }

    private async Task<BuildOutcome?> NoteCommit(SourceReference reference, string shown)
    {
        using var printed = new MemoryStream();
        var end = await _guard.Run(place.Order([.. reference.CommitCommand()]), bytes => printed.WriteAsync(bytes, _kill));
        var commit = Encoding.UTF8.GetString(printed.ToArray()).Trim();
        // A repository without any commit can be cloned, and has nothing to check out.
        if (end is CommandEnd.Exited and not CommandEnd.Exited(0) || !commit.All(char.IsAsciiHexDigit) || commit.Length == 0) return null;
        if (await FailureOf(end, "Reading the commit", FailReason.Setup) is { } failure) return failure;
        await Say($"{reference.Directory} is at commit {commit}");
        recorder.SourceReady(shown, commit);
        return null;
    }

    /// <summary>A private repository must fail, not wait for a password; host keys of strangers cannot be known.</summary>
    private ImmutableArray<KeyValuePair<string, string>> SourceEnvironment =>
    [
        new("GIT_TERMINAL_PROMPT", "0"),
        new("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR" + SshIdentities),
    ];
}
