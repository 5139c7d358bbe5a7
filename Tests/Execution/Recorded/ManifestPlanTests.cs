using System.Text;
using Builds.Support;
using Builds.Tests;

namespace Builds.Execution.Recorded;

/// <summary>
/// What the executor makes of real manifests and of a few of ours, against what a reviewer saw: Expected.txt, which holds what it derived and
/// hashes of scripts, and nothing of a manifest itself. <c>BUILDS_WRITE_EXPECTED=1</c> writes that file anew; read the difference against
/// the contract before it is committed. Blocks of manifests that are not here stay as they are.
/// </summary>
public sealed class ManifestPlanTests
{
    private const string Head = "== ";
    private static readonly string File = Repository.PathOf("Tests", "Execution", "Recorded", "Expected.txt");
    private static readonly Lock Gate = new();
    private static Task<IReadOnlyDictionary<string, string>>? recorded;

    public static TheoryData<string> Names => [.. RecordedPlans.Names];

    [RecordingTheory, MemberData(nameof(Names))]
    public async Task The_plan_of_a_manifest_is_the_one_that_was_reviewed(string manifest)
    {
        var plan = (await Recorded())[manifest];

        plan.ShouldBe(Expected().GetValueOrDefault(manifest, ""));
    }

    private static Task<IReadOnlyDictionary<string, string>> Recorded()
    {
        lock (Gate) return recorded ??= RecordAll();
    }

    private static async Task<IReadOnlyDictionary<string, string>> RecordAll()
    {
        var texts = await RecordedPlans.RunAll();
        if (Environment.GetEnvironmentVariable("BUILDS_WRITE_EXPECTED") != "1") return texts;
        var all = new SortedDictionary<string, string>(Expected(), StringComparer.Ordinal);
        foreach (var (name, text) in texts) all[name] = text;
        await System.IO.File.WriteAllTextAsync(File, string.Concat(all.Select(one => $"{Head}{one.Key}\n{one.Value}")));
        return texts;
    }

    private static Dictionary<string, string> Expected()
    {
        var blocks = new Dictionary<string, StringBuilder>(StringComparer.Ordinal);
        var block = new StringBuilder();
        foreach (var line in System.IO.File.Exists(File) ? System.IO.File.ReadLines(File) : [])
            if (line.StartsWith(Head, StringComparison.Ordinal)) blocks.Add(line[Head.Length..], block = new());
            else block.Append(line).Append('\n');
        return blocks.ToDictionary(one => one.Key, one => one.Value.ToString(), StringComparer.Ordinal);
    }
}

/// <summary>A test in recording images: skipped where their tools are missing, but never in CI.</summary>
internal sealed class RecordingTheoryAttribute : TheoryAttribute
{
    public RecordingTheoryAttribute()
    {
        if (Needs.Ci) return;
        if (!Needs.Root || !Needs.Bubblewrap) Skip = "needs root and bubblewrap";
        else if (!System.IO.File.Exists(Busybox.Program)) Skip = "needs busybox: apt-get install busybox-static";
    }
}
