using System.Collections.Immutable;

namespace Builds.Manifests;

/// <summary>From nodes to the model, noting every mistake on the way; the result counts only if there was none.</summary>
internal sealed class ManifestBuilder(ManifestErrors errors)
{
    private readonly ManifestValues values = new(errors);

    public BuildManifest Build(YamlNode? root)
    {
        var manifest = new BuildManifest { Image = "" };
        foreach (var (key, value) in root is null ? [] : values.Map(root, "a manifest", "manifest") ?? [])
            manifest = Set(manifest, key.Text, value);

        // Without a map at the top nothing else is worth saying.
        if (root is not null and not YamlMapping && errors.Any)
            return manifest;
        var (line, column) = root is null ? (1, 1) : (root.Line, root.Column);
        if (manifest.Image.Length == 0 && !IsWritten(root, "image"))
            errors.Add(line, column, "image is required");
        if (manifest.Tasks.IsEmpty && !manifest.Shell && root is not null && !YamlTyping.IsNull(root) && !IsWritten(root, "tasks"))
            errors.Add(line, column, "list of tasks is required");
        return manifest;
    }

    private BuildManifest Set(BuildManifest manifest, string key, YamlNode value) => key switch
    {
        "image" => manifest with { Image = values.Text(value, key) ?? "" },
        "arch" => manifest with { Arch = values.Text(value, key) },
        "packages" => manifest with { Packages = Texts(value, key) },
        "repositories" => manifest with { Repositories = Repositories(value, key) },
        "sources" => manifest with { Sources = Texts(value, key) },
        "environment" => manifest with { Environment = Environment(value, key) },
        "secrets" => manifest with { Secrets = Secrets(value, key) },
        "shell" => manifest with { Shell = values.Flag(value, key) },
        "artifacts" => manifest with { Artifacts = Artifacts(value, key) },
        "oauth" => manifest with { OAuth = OAuth(value, key) },
        "tasks" => manifest with { Tasks = Tasks(value, key) },
        "triggers" => manifest with { Triggers = Triggers(value, key) },
        _ => manifest,
    };

    private ImmutableArray<string> Texts(YamlNode node, string name) => values.Texts(node, name).Select(item => item.Value).ToImmutableArray();

    private ImmutableArray<KeyValuePair<string, string>> Repositories(YamlNode node, string name) =>
        (values.Map(node, name, "map[string]string") ?? [])
            .Select(entry => KeyValuePair.Create(entry.Key.Text, values.Text(entry.Value, $"the value of {name}") ?? ""))
            .ToImmutableArray();

    private ImmutableArray<KeyValuePair<string, EnvironmentValue>> Environment(YamlNode node, string name) =>
        (values.Map(node, name, "map[string]interface {}") ?? [])
            .Select(entry => KeyValuePair.Create(entry.Key.Text, ManifestValues.Environment(entry.Value)))
            .ToImmutableArray();

    private ImmutableArray<string> Secrets(YamlNode node, string name)
    {
        var secrets = values.Texts(node, name).ToList();
        foreach (var (item, secret) in secrets)
            Note(item, ManifestRules.CheckSecret(secret));
        return secrets.Select(item => item.Value).ToImmutableArray();
    }

    private ImmutableArray<string> Artifacts(YamlNode node, string name)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var artifacts = values.Texts(node, name).ToList();
        foreach (var (item, artifact) in artifacts)
        {
            if (!seen.Add(artifact))
                errors.Add(item, $"duplicate artifact {ManifestErrors.Shorten(artifact)}");
        }
        return artifacts.Select(item => item.Value).ToImmutableArray();
    }

    private string? OAuth(YamlNode node, string name)
    {
        var grants = values.Text(node, name);
        Note(node, grants is null ? null : ManifestRules.CheckOAuth(grants));
        return grants;
    }

    private ImmutableArray<BuildTask> Tasks(YamlNode node, string name)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var tasks = ImmutableArray.CreateBuilder<BuildTask>();
        foreach (var item in values.List(node, name, "[]map[string]string"))
        {
            var before = errors.Count;
            var entries = values.Map(item, "a task", "map[string]string") ?? [];
            if (errors.Count > before)
                continue;
            if (entries is not [var (key, value)])
            {
                errors.Add(item, """task schema is {"name": "value"} (or 'taskname: script...' as YAML)""");
                continue;
            }
            var script = values.Text(value, "a task's script") ?? "";
            Note(key, ManifestRules.CheckTaskName(key.Text));
            if (!seen.Add(key.Text))
                errors.Add(key, $"duplicate task {ManifestErrors.Shorten(key.Text)}");
            tasks.Add(new BuildTask(key.Text, script));
        }
        return tasks.ToImmutable();
    }

    private ImmutableArray<Trigger> Triggers(YamlNode node, string name)
    {
        var triggers = ImmutableArray.CreateBuilder<Trigger>();
        foreach (var item in values.List(node, name, "[]trigger"))
        {
            var before = errors.Count;
            var trigger = Trigger(values.Map(item, "a trigger", "trigger") ?? []);
            if (errors.Count == before)
                Note(item, ManifestRules.CheckTrigger(trigger));
            triggers.Add(trigger);
        }
        return triggers.ToImmutable();
    }

    private Trigger Trigger(IReadOnlyList<YamlEntry> entries)
    {
        var (action, condition) = ("", (string?)null);
        var settings = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        foreach (var (key, value) in entries)
        {
            var known = key.Text is "action" or "condition" or "to" or "cc" or "in_reply_to" or "url";
            if (!known && value is not YamlScalar)
                continue;
            var text = values.Text(value, $"{key.Text} of a trigger");
            if (key.Text == "action")
                action = text ?? "";
            else if (key.Text == "condition")
                condition = text;
            else
                settings.Add(KeyValuePair.Create(key.Text, text ?? ""));
        }
        return new Trigger(action, condition, settings.ToImmutable());
    }

    private void Note(YamlNode node, string? mistake)
    {
        if (mistake is not null)
            errors.Add(node, mistake);
    }

    /// <summary>A key that is there and not empty, yet without a value in the model, has told its own mistake already.</summary>
    private static bool IsWritten(YamlNode? root, string key) =>
        root is YamlMapping mapping && mapping.Entries.Any(entry => entry.Key.Text == key && entry.Value switch
        {
            YamlScalar scalar => scalar.Text.Length > 0 && !YamlTyping.IsNull(scalar),
            YamlSequence sequence => sequence.Items.Count > 0,
            _ => true,
        });
}
