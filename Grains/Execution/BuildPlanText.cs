using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Builds.Manifests;
using Builds.Triggers;

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
        Section(text, "Triggers", manifest.Triggers.Select((trigger, index) => $"{index + 1}. {When(trigger)}: {trigger.Action}{Target(trigger)}"));
        return text.ToString();
    }

    private static IEnumerable<string> Commands(string source) => SourceReference.Parse(source) is SourceResult.Parsed(var reference)
        ? reference.Commands().Select(command => string.Join(' ', command.Select(ShellText.Quote)))
        : [];

    private static string When(Trigger trigger) => (TriggerRules.Fires(trigger.Condition, success: true), TriggerRules.Fires(trigger.Condition, success: false)) switch
    {
        (true, true) => "at its end",
        (true, false) => "after a success",
        (false, true) => "after a failure, a timeout or a cancel",
        (false, false) => trigger.Condition is null ? "never, as it has no condition" : $"never, as there is no condition '{trigger.Condition}'",
    };

    /// <summary>Of an address only where it leads: what is behind that may be a secret.</summary>
    private static string Target(Trigger trigger)
    {
        var settings = trigger.Settings.ToLookup(setting => setting.Key, setting => setting.Value);
        return trigger.Action == "webhook"
            ? $" to {(Uri.TryCreate(settings["url"].LastOrDefault(), UriKind.Absolute, out var url) ? url.Host : "no address")}"
            : $" to {string.Join(" and ", settings["to"].Concat(settings["cc"]).Where(list => list.Length > 0))}";
    }

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
