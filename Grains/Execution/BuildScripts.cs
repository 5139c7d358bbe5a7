using System.Collections.Immutable;
using System.Text;
using Builds.Jobs;
using Builds.Manifests;

namespace Builds.Execution;

/// <summary>
/// The shell files that a build runs (contract/manifest sections 4 and 5). Pure: the drivers write the files, mode 755, UTF-8, to
/// <c>~/.buildenv</c> and <c>~/.tasks/NAME</c>.
/// </summary>
public static class BuildScripts
{
    /// <summary>The home directory of every build, where it starts.</summary>
    public const string Home = "/home/build";

    /// <summary>
    /// Name in the home directory of the file that <c>complete-build</c> leaves behind; after a successful task it means that the rest
    /// is skipped.
    /// </summary>
    public const string CompleteMarker = ".complete-build";

    private const string CompleteBuild = $$"""
        complete-build() {
          echo 1 > ~/{{CompleteMarker}}
          exit 0
        }

        """;

    // The subshell keeps "tracing off" to itself, and the token off the command line, where every process could read it.
    private const string Preamble = """
        #!/usr/bin/env bash
        . ~/.buildenv
        acurl() (
          { set +x; } 2>/dev/null
          curl --config <(printf 'oauth2-bearer = "%s"\n' "$OAUTH2_TOKEN") "$@"
        )
        set -xe

        """;

    private static readonly ImmutableArray<string> ours = ["CI_NAME", "JOB_ID", "JOB_URL", "JOB_ATTEMPT"];

    /// <summary>The text of <c>~/.buildenv</c>; refused if the environment holds what a shell cannot.</summary>
    /// <param name="attempt">From 1.</param>
    /// <param name="token">For <c>OAUTH2_TOKEN</c>; null: there is none.</param>
    public static BuildEnvironmentResult Environment(BuildManifest manifest, JobId job, string jobUrl, int attempt, string? token = null)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var reasons = Refusals(manifest);
        if (!reasons.IsEmpty)
            return new BuildEnvironmentResult.Refused(reasons);

        var text = new StringBuilder(CompleteBuild);
        foreach (var assignment in Assignments(manifest))
            text.Append(assignment).Append('\n');
        // Last, so that they win over whatever a manifest may come up with.
        text.Append("export CI_NAME=sourcehut\n");
        text.Append($"export JOB_ID={job}\n");
        text.Append($"export JOB_URL={ShellText.Quote(jobUrl)}\n");
        text.Append($"export JOB_ATTEMPT={attempt}\n");
        if (token is not null)
            // A manifest's own may be an array, which would stay one.
            text.Append($"unset OAUTH2_TOKEN\nexport OAUTH2_TOKEN={ShellText.Quote(token)}\n");
        return new BuildEnvironmentResult.Written(text.ToString());
    }

    /// <summary>The text of <c>~/.tasks/NAME</c>.</summary>
    /// <param name="preamble">The image's own head of every task; null: the usual one.</param>
    public static string Task(BuildTask task, string? preamble = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        return $"{preamble ?? Preamble}{task.Script}\n";
    }

    /// <summary>The assignments of the manifest's own variables, but for those that are always ours.</summary>
    internal static IEnumerable<string> Assignments(BuildManifest manifest) =>
        manifest.Environment.Where(variable => !ours.Contains(variable.Key)).Select(variable => Assignment(variable.Key, variable.Value));

    internal static ImmutableArray<string> Refusals(BuildManifest manifest) =>
        manifest.Environment.Where(variable => !ours.Contains(variable.Key)).Select(variable => Check(variable.Key, variable.Value)).OfType<string>().ToImmutableArray();

    private static string? Check(string name, EnvironmentValue value)
    {
        if (!ShellText.IsName(name))
            return $"environment: '{name}' is not a name for a variable; use letters, digits and _, not beginning with a digit";
        return value switch
        {
            EnvironmentValue.Map => $"environment: {name} is a map, which a shell cannot hold; use a text, a number, true or false, or a list of these",
            EnvironmentValue.List list when list.Items.Any(item => item is EnvironmentValue.Map or EnvironmentValue.List) =>
                $"environment: {name} is a list with lists or maps in it, which a shell cannot hold; use a list of texts and numbers",
            _ => null,
        };
    }

    private static string Assignment(string name, EnvironmentValue value) => value switch
    {
        EnvironmentValue.Null => $"export {name}=\"\"",
        // No shell can export an array.
        EnvironmentValue.List list => $"{name}=({string.Join(' ', list.Items.Select(item => ShellText.Quote(Word(item))))})",
        _ => $"export {name}={ShellText.Quote(Word(value))}",
    };

    private static string Word(EnvironmentValue value) => value switch
    {
        EnvironmentValue.Text text => text.Value,
        EnvironmentValue.Flag flag => flag.Value ? "true" : "false",
        EnvironmentValue.Whole whole => whole.Digits,
        EnvironmentValue.Real real => ShellNumber.Format(real.Value),
        _ => "",
    };
}

/// <summary>The text of <c>~/.buildenv</c>, or why there can be none.</summary>
public abstract record BuildEnvironmentResult
{
    private BuildEnvironmentResult() { }

    public sealed record Written(string Text) : BuildEnvironmentResult;

    /// <param name="Reasons">One sentence for each variable at fault; they name variables, never values.</param>
    public sealed record Refused(ImmutableArray<string> Reasons) : BuildEnvironmentResult;
}
