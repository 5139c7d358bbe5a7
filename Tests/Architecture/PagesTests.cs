using System.Text.RegularExpressions;
using Builds.Jobs;

namespace Builds.Tests.Architecture;

/// <summary>What the pages say of the code holds.</summary>
public sealed partial class PagesTests
{
    public static TheoryData<string> Pages => [.. Repository.Files(".md")];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_file_that_a_page_names_is_there(string page)
    {
        var text = File.ReadAllText(Repository.PathOf(page));
        string[] folders = [Path.GetDirectoryName(Repository.PathOf(page))!, Repository.PathOf("")];

        var named = Links().Matches(text).Concat(Names().Matches(text)).Select(match => match.Groups["name"].Value)
            .Where(name => !name.StartsWith("http", StringComparison.Ordinal)).Distinct();

        named.Where(name => !folders.Any(folder => Path.Exists(Path.Combine(folder, name)))).ShouldBeEmpty();
    }

    [Fact]
    public void The_table_of_a_jobs_life_is_the_function()
    {
        var statuses = Enum.GetValues<JobStatus>();
        var rows = Enum.GetValues<JobSignal>()
            .Select(signal => $"| {signal} |{string.Concat(statuses.Select(from => JobLifecycle.Next(from, signal) is { } next ? $" {next.Word()} |" : " |"))}");
        string[] table = [$"| signal | {string.Join(" | ", statuses.Select(status => status.Word()))} |", $"|---|{string.Concat(statuses.Select(_ => "---|"))}", .. rows];

        File.ReadAllText(Repository.PathOf("Grains/README.md")).ShouldContain(string.Join('\n', table));
    }

    /// <summary>Links to a file or folder of the repository, without the anchor.</summary>
    [GeneratedRegex(@"\]\((?<name>[^)#]+)[^)]*\)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Links();

    /// <summary>Source and example files in code font.</summary>
    [GeneratedRegex(@"`(?<name>[\w./-]+\.(?:cs|c|sh|yml|csproj|sql|props))`", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Names();
}
