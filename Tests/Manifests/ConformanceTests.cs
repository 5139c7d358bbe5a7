using System.Text.Json;
using System.Text.RegularExpressions;
using Builds.Tests;

namespace Builds.Manifests;

public sealed class ConformanceTests
{
    public static TheoryData<string, string, string> ValidatorCases()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var row in Conformance.Rows("validator/expected.tsv"))
            data.Add(row["case"], row["go_validator"], row["go_tasks"]);
        return data;
    }

    public static TheoryData<string, string, string> RealManifests()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var row in Conformance.Rows("manifests/index.tsv"))
            data.Add(row["file"], row["go_validator"], row["image"]);
        return data;
    }

    [ConformanceTheory]
    [MemberData(nameof(ValidatorCases))]
    public void The_verdict_and_the_tasks_are_those_of_the_original_validator(string file, string verdict, string tasks)
    {
        // The one difference that is meant: names are at most 128 characters long.
        if (file == "tasklong.yml")
            verdict = "reject: invalid task name";

        var result = ManifestParser.Parse(File.ReadAllBytes(Path.Combine(Conformance.Folder, "validator", "cases", file)));

        if (verdict == "accept")
            TasksOf(result.ShouldBeOfType<ManifestResult.Accepted>().Manifest).ShouldBe(Names(tasks));
        else
            ShouldTell(result, verdict);
    }

    [ConformanceTheory]
    [MemberData(nameof(RealManifests))]
    public void A_real_manifest_has_the_verdict_of_the_original_validator(string file, string verdict, string image)
    {
        var result = ManifestParser.Parse(File.ReadAllBytes(Path.Combine(Conformance.Folder, "manifests", file)));

        if (verdict == "accept")
            result.ShouldBeOfType<ManifestResult.Accepted>().Manifest.Image.ShouldBe(image);
        else
            ShouldTell(result, verdict);
    }

    [ConformanceFact]
    public void The_cases_are_there()
    {
        Conformance.Rows("validator/expected.tsv").Count.ShouldBe(46);
        Conformance.Rows("manifests/index.tsv").Count.ShouldBe(40);
    }

    /// <summary>The original's own type names and, for syntax, its parser's sentences may differ; place and beginning may not.</summary>
    private static void ShouldTell(ManifestResult result, string verdict)
    {
        var error = result.ShouldBeOfType<ManifestResult.Refused>().Errors[0];
        var reason = verdict["reject: ".Length..];
        var line = Regex.Match(reason, "line (?<number>[0-9]+)", RegexOptions.None, TimeSpan.FromSeconds(1));

        if (!line.Success)
            error.Message.ShouldStartWith(reason);
        else if (reason.Contains("cannot unmarshal", StringComparison.Ordinal))
        {
            error.Line.ToString().ShouldBe(line.Groups["number"].Value);
            error.Message.ShouldStartWith("cannot unmarshal");
        }
        else
            error.Message.ShouldStartWith("yaml: ");
    }

    private static string[] Names(string json) =>
        JsonSerializer.Deserialize<List<Dictionary<string, string>>>(json)!.Select(task => $"{task.Single().Key}={task.Single().Value}").ToArray();

    private static string[] TasksOf(BuildManifest manifest) => manifest.Tasks.Select(task => $"{task.Name}={task.Script}").ToArray();
}
