using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Builds.Manifests;

namespace Builds.Execution;

/// <summary>What a build of a manifest would do, in plain lines for people.</summary>
public static class BuildPlanText
{
    /// <summary>Ends with a line end. Control characters of values are written as escapes, so that a terminal only shows them.</summary>
    public static string Of(BuildManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var text = new StringBuilder();
        text.Append("Image: ").Append(Shown(manifest.Image)).Append('\n');
        Section(text, "Not done yet", NotDone(manifest));
        Section(text, "The build would fail in setup", Failures(manifest));
        Section(text, "Environment", BuildScripts.Refusals(manifest).IsEmpty ? BuildScripts.Assignments(manifest) : []);
        Section(text, "Sources", manifest.Sources.SelectMany(Commands));
        Section(text, "Tasks", manifest.Tasks.Select((task, index) => $"{index + 1}. {task.Name} ({Lines(task.Script)})"));
        Artifacts(text, manifest.Artifacts);
        return text.ToString();
    }

    private static IEnumerable<string> NotDone(BuildManifest manifest)
    {
        if (!string.IsNullOrEmpty(manifest.Arch))
            yield return $"arch: {manifest.Arch}";
        if (!manifest.Packages.IsEmpty)
            yield return $"packages: {string.Join(' ', manifest.Packages)}";
        foreach (var (name, url) in manifest.Repositories)
            yield return $"repositories: {name}: {url}";
        if (!manifest.Secrets.IsEmpty)
            yield return $"secrets: {string.Join(' ', manifest.Secrets)}";
        if (!string.IsNullOrEmpty(manifest.OAuth))
            yield return $"oauth: {manifest.OAuth}";
        if (manifest.Shell)
            yield return "shell: true";
        foreach (var trigger in manifest.Triggers)
            yield return $"triggers: {trigger.Action}, condition {trigger.Condition ?? "none"}";
    }

    private static IEnumerable<string> Failures(BuildManifest manifest)
    {
        foreach (var reason in BuildScripts.Refusals(manifest))
            yield return reason;
        foreach (var refused in manifest.Sources.Select(SourceReference.Parse).OfType<SourceResult.Refused>())
            yield return refused.Reason;
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
