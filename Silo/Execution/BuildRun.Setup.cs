using System.Collections.Immutable;
using Builds.Jobs;

namespace Builds.Execution;

internal sealed partial class BuildRun
{
    private const string Image = "host";

    /// <summary>Names what the manifest asks for and this version does not do. Not null: the build cannot be right without it.</summary>
    private async Task<BuildOutcome?> Refuse()
    {
        var manifest = plan.Manifest;
        if (manifest.Image != Image)
            return await Fail(FailReason.Setup, $"Image {manifest.Image} is not offered here; on offer: {Image}");
        (string Key, bool Asked)[] ignored =
        [
            ("arch", manifest.Arch is not null && manifest.Arch.Length > 0),
            ("repositories", manifest.Repositories.Length > 0),
            ("oauth", !string.IsNullOrEmpty(manifest.OAuth)),
            ("shell", manifest.Shell),
            ("triggers", manifest.Triggers.Length > 0),
        ];
        foreach (var (key, asked) in ignored)
            if (asked) await Say($"Not done: {key} (this version of Builds does not do it yet)");
        if (manifest.Packages.Length > 0)
            return await Fail(FailReason.Setup,
                $"packages cannot be installed in image {Image}, which is this machine's own system: install {string.Join(", ", manifest.Packages)} on the machine, and take the key out of the manifest");
        if (manifest.Secrets.Length > 0 && plan.Secrets)
            return await Fail(FailReason.Setup, "secrets are not done yet, and the build asks for some: submit it without secrets");
        if (manifest.Secrets.Length > 0) await Say("Not done: secrets (the job was submitted without them)");
        return null;
    }

    private async Task<BuildOutcome?> CloneSources()
    {
        foreach (var source in plan.Manifest.Sources)
        {
            if (Stopping) return new BuildOutcome.Stopped();
            await Say($"Cloning {source}");
            foreach (var command in SourceCommands(source))
            {
                var order = Order([.. command]) with { Environment = [.. BuildEnvironment.Of(Home, driver.ToolsInside), .. SourceEnvironment] };
                var end = await _guard.Run(order, bytes => recorder.SetupOutput(bytes, _kill));
                if (await FailureOf(end, $"{command[0]} for source {source}", FailReason.Setup) is not { } failure) continue;
                if (failure is BuildOutcome.Failed)
                    await Say("Is the repository private? Then the job needs an SSH key among its secrets and an SSH address as source");
                return failure;
            }
        }
        return null;
    }

    /// <summary>A private repository must fail, not wait for a password; host keys of strangers cannot be known.</summary>
    private static readonly ImmutableArray<KeyValuePair<string, string>> SourceEnvironment =
    [
        new("GIT_TERMINAL_PROMPT", "0"),
        new("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"),
    ];

    private static IEnumerable<ImmutableArray<string>> SourceCommands(string source)
    {
        var reference = PlainSource.Parse(source);
        yield return ["git", "clone", "-q", "--", reference.Url, reference.Directory];
        if (reference.Revision is not null) yield return ["git", "-C", reference.Directory, "checkout", "-q", reference.Revision, "--"];
        yield return ["git", "-C", reference.Directory, "submodule", "update", "--init", "--recursive", "-q"];
    }
}
