using System.Text;
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
    private static readonly Lazy<Task<IReadOnlyDictionary<string, string>>> Recorded = new(RecordAll);

    public static TheoryData<string> Names => [.. RecordedPlans.Names];

    [RecordingTheory, MemberData(nameof(Names))]
    public async Task The_plan_of_a_manifest_is_the_one_that_was_reviewed(string manifest)
    {
        var recorded = (await Recorded.Value)[manifest];

        recorded.ShouldBe(Expected().GetValueOrDefault(manifest, ""));
    }

    private static async Task<IReadOnlyDictionary<string, string>> RecordAll()
    {
        var recorded = await RecordedPlans.RunAll();
        if (Environment.GetEnvironmentVariable("BUILDS_WRITE_EXPECTED") != "1") return recorded;
        var all = new SortedDictionary<string, string>(Expected(), StringComparer.Ordinal);
        foreach (var (name, text) in recorded) all[name] = text;
        await System.IO.File.WriteAllTextAsync(File, string.Concat(all.Select(one => $"{Head}{one.Key}\n{one.Value}")));
        return recorded;
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
        else if (!System.IO.File.Exists("/bin/busybox")) Skip = "needs busybox: apt-get install busybox-static";
    }
}
