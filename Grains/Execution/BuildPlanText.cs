using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Builds.Manifests;

namespace Builds.Execution;

/// <summary>What a build of a manifest would do, in plain lines for people.</summary>
public static class BuildPlanText
{
    /// <summary>Ends with a line end. Control characters of values are written as escapes, so that a terminal only shows them.</summary>
    /// <param name="manifest">An accepted manifest.</param>
    /// <param name="secrets">Whether the build may use its owner's secrets.</param>
    public static string Of(BuildManifest manifest, bool secrets = true)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var text = new StringBuilder();
        text.Append("Image: ").Append(Shown(manifest.Image)).Append('\n');
        Section(text, "Not done yet", SetupRules.NotDone(manifest, secrets));
        Section(text, "The build would fail in setup", SetupRules.Failures(manifest));
        Section(text, "Environment", BuildScripts.Refusals(manifest).IsEmpty ? BuildScripts.Assignments(manifest) : []);
        Section(text, "Sources", manifest.Sources.SelectMany(Commands));
        Section(text, "Tasks", manifest.Tasks.Select((task, index) => $"{index + 1}. {task.Name} ({Lines(task.Script)})"));
        Artifacts(text, manifest.Artifacts);
        return text.ToString();
    }

    private static IEnumerable<string> Commands(string source) => SourceReference.Parse(source) is SourceResult.Parsed(var reference)
        ? reference.Commands().Select(command => string.Join(' ', command.Select(ShellText.Quote)))
        : [];

    private static void Artifacts(StringBuilder text, ImmutableArray<string> artifacts)
    {
        if (ArtifactRules.Choose(artifacts) is ArtifactChoice.None none)
            Section(text, "Artifacts", [none.Line]);
        else
            Section(text, "Artifacts", artifacts);
    }

    private static void Section(StringBuilder text, string title, IEnumerable<string> lines)
    {
        var all = lines.ToList();
        if (all.Count == 0)
            return;
        text.Append(title).Append(":\n");
        foreach (var line in all)
            text.Append("  ").Append(Shown(line)).Append('\n');
    }

    private static string Lines(string script)
    {
        var lines = script.TrimEnd('\n') is { Length: > 0 } body ? body.Count(c => c == '\n') + 1 : 0;
        return lines == 1 ? "1 line" : string.Create(CultureInfo.InvariantCulture, $"{lines} lines");
    }

    private static string Shown(string text) => string.Concat(text.Select(c => c switch
    {
        '\n' => "\\n",
        '\t' => "\\t",
        _ when char.IsControl(c) => string.Create(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
        _ => c.ToString(),
    }));
}
