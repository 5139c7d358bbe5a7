using System.Collections.Concurrent;
using System.Text;
using Builds.Jobs;
using Builds.Manifests;
using Builds.Secrets;
using Builds.Support;
using Builds.Tests;

namespace Builds.Execution.Recorded;

/// <summary>What the executor makes of manifests: each is run in the recording image of its name, and everything that was asked there is one text.</summary>
internal static class RecordedPlans
{
    private const int Slots = 4;

    /// <summary>Of the machine, not of the manifest.</summary>
    private const string RemarkOfTheMachine = "# Memory is limited for each process by itself";

    /// <summary>Those of ../shared/conformance that are accepted, where they are, and ours.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Accepted, .. Directory.GetFiles(Folder, "*.yml").Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Accepted => Conformance.Rows(Path.Combine("manifests", "index.tsv"))
        .Where(row => row["go_validator"] == "accept").Select(row => row["file"]).Order(StringComparer.Ordinal);

    private static string Folder => Repository.PathOf("Tests", "Execution", "Recorded", "Ours");

    public static BuildManifest Read(string name)
    {
        var theirs = Path.Combine(Conformance.Folder, "manifests", name);
        return ManifestParser.Parse(File.ReadAllBytes(File.Exists(theirs) ? theirs : Path.Combine(Folder, name))).ShouldBeOfType<ManifestResult.Accepted>(name).Manifest;
    }

    /// <summary>The text of each, by its name.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> RunAll()
    {
        using var folder = new TempFolder();
        await using var harness = new ExecutorHarness(options =>
        {
            options.Images = Path.Combine(folder.Path, "images");
            // What these do is not the question here, and costs time.
            (options.Disk, options.ControlGroups) = (0, false);
        });
        var manifests = Names.ToDictionary(name => name, Read);
        await RecordingImages.Make(harness, folder.Path, manifests.Values.Select(manifest => manifest.Image), manifests.Values.SelectMany(manifest => manifest.Artifacts).Distinct());
        var texts = new ConcurrentDictionary<string, string>();
        var slots = new ConcurrentBag<int>(Enumerable.Range(0, Slots));
        await Parallel.ForEachAsync(manifests, new ParallelOptions { MaxDegreeOfParallelism = Slots }, async (one, _) =>
        {
            slots.TryTake(out var slot).ShouldBeTrue();
            texts[one.Key] = await Run(harness, one.Value, slot);
            slots.Add(slot);
        });
        return texts;
    }

    private static async Task<string> Run(ExecutorHarness harness, BuildManifest manifest, int slot)
    {
        var recorder = new FakeRecorder();
        var plan = ExecutorHarness.Plan(manifest, slot) with { Secrets = true, Opened = [.. manifest.Secrets.Select(StandIn)], Token = string.IsNullOrEmpty(manifest.OAuth) ? null : "a-token" };
        var outcome = await harness.Executor.Run(plan, recorder, default, default);
        var text = new StringBuilder($"image {manifest.Image}\n");
        foreach (var line in recorder.Setup.Split('\n').Where(line => line.Length > 0 && !line.StartsWith(RemarkOfTheMachine, StringComparison.Ordinal))) text.Append(line).Append('\n');
        foreach (var task in recorder.Statuses.OrderBy(task => task.Key)) text.Append(recorder.Log(task.Key)).Append(task.Value == BuildTaskStatus.Success ? "" : $"  {task.Value}\n");
        foreach (var artifact in recorder.Artifacts.OrderBy(artifact => artifact.Key, StringComparer.Ordinal)) text.Append($"kept {artifact.Key}: {Encoding.UTF8.GetString(artifact.Value)}");
        return text.Append($"{outcome}\n").ToString();
    }

    /// <summary>Nobody else knows what a secret is, so each kind comes in turn.</summary>
    private static BuildSecret StandIn(string reference, int index)
    {
        var uuid = Guid.TryParse(reference, out _) ? reference : "0d3d43a7-b9b3-4d42-ae51-1d0f1d0f1d0f";
        var type = (index % 3) switch { 0 => SecretType.SshKey, 1 => SecretType.PlaintextFile, _ => SecretType.PgpKey };
        return new(reference, new SecretInfo(index + 1, "alice", uuid, type, reference, type == SecretType.PlaintextFile ? $"~/.config/secret-{index + 1}" : null, 0b110_000_000, null, Some.Time), $"value {index + 1}\n");
    }
}
