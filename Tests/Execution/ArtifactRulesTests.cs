namespace Builds.Execution;

public sealed class ArtifactRulesTests
{
    [Theory]
    [InlineData("a.tar.gz", "a.tar.gz")]
    [InlineData("./a//b/./c", "a/b/c")]
    [InlineData("a/../b", "b")]
    [InlineData("~/a", "~/a")]
    [InlineData("*.txt", "*.txt")]
    [InlineData("/home/build/a", "a")]
    [InlineData("/etc/passwd", null)]
    [InlineData("/home/build/../x", null)]
    [InlineData("../a", null)]
    [InlineData("a/../../b", null)]
    [InlineData("a/", null)]
    [InlineData("a/.", null)]
    [InlineData("", null)]
    public void A_path_names_a_file_below_the_home_directory_or_nothing(string path, string? expected)
    {
        var inside = ArtifactRules.Inside(path);

        inside.ShouldBe(expected);
    }

    [Fact]
    public void Eight_are_kept_and_of_nine_none()
    {
        var names = Enumerable.Range(1, 9).Select(n => $"a{n}").ToArray();

        var eight = ArtifactRules.Choose([.. names.Take(8)]);
        var nine = ArtifactRules.Choose([.. names]);

        eight.ShouldBeOfType<ArtifactChoice.Collect>().Paths.ShouldBe(names.Take(8));
        nine.ShouldBeOfType<ArtifactChoice.None>().Line.ShouldContain("9 artifacts");
    }
}
