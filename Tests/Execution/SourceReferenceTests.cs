namespace Builds.Execution;

public sealed class SourceReferenceTests
{
    [Theory]
    [InlineData("https://git.sr.ht/~a/repo", "https://git.sr.ht/~a/repo", "repo", null)]
    [InlineData("https://x/repo.git", "https://x/repo.git", "repo", null)]
    [InlineData("https://x/repo/", "https://x/repo/", "repo", null)]
    [InlineData("https://x/repo#v1.0", "https://x/repo", "repo", "v1.0")]
    [InlineData("https://x/repo#", "https://x/repo", "repo", null)]
    [InlineData("dir::https://x/repo.git#main", "https://x/repo.git", "dir", "main")]
    [InlineData("a/b.git::https://x/repo", "https://x/repo", "a/b.git", null)]
    [InlineData("git+ssh://git@x/~a/repo", "ssh://git@x/~a/repo", "repo", null)]
    [InlineData("git@x:~a/repo", "git@x:~a/repo", "repo", null)]
    [InlineData("git@x:repo.git#b", "git@x:repo.git", "repo", "b")]
    [InlineData("https://[::1]/repo", "https://[::1]/repo", "repo", null)]
    [InlineData("git@[::1]:repo", "git@[::1]:repo", "repo", null)]
    [InlineData("https://x/a#b#c", "https://x/a#b#c", "a#b#c", null)]
    [InlineData("/srv/with blank/repo", "/srv/with blank/repo", "repo", null)]
    public void A_git_source_is_taken_apart(string source, string url, string directory, string? revision)
    {
        var result = SourceReference.Parse(source);

        result.ShouldBe(new SourceResult.Parsed(new SourceReference(SourceScm.Git, url, directory, revision)));
    }

    [Fact]
    public void Mercurial_is_asked_for_in_the_scheme()
    {
        var parsed = SourceReference.Parse("hg+https://x/repo#tip").ShouldBeOfType<SourceResult.Parsed>();

        parsed.Source.Commands().Select(command => string.Join(' ', command)).ShouldBe(["hg clone -- https://x/repo repo", "hg --cwd repo update -y -- tip"]);
    }

    [Theory]
    [InlineData("https://mia:secret@x/repo#main", "https://mia:***@x/repo#main")]
    [InlineData("dir::git+https://mia:se@cr:et@x:8080/re@po", "dir::git+https://mia:***@x:8080/re@po")]
    [InlineData("https://token@x/repo", "https://***@x/repo")]
    [InlineData("https://:secret@x", "https://:***@x")]
    [InlineData("hg+http://mia:@x/repo?a@b", "hg+http://mia:***@x/repo?a@b")]
    [InlineData("ssh://git:secret@x/repo", "ssh://git:***@x/repo")]
    [InlineData("git+ssh://git@x/repo", "git+ssh://git@x/repo")]
    [InlineData("git@x:repo", "git@x:repo")]
    [InlineData("https://x/re@po", "https://x/re@po")]
    [InlineData("https://x", "https://x")]
    [InlineData("https://", "https://")]
    [InlineData("/srv/repo", "/srv/repo")]
    public void A_source_is_shown_without_its_password(string source, string shown) => SourceReference.Shown(source).ShouldBe(shown);

    [Fact]
    public void A_refusal_does_not_tell_the_password() =>
        SourceReference.Parse("../up::https://mia:secret@x/repo").ShouldBeOfType<SourceResult.Refused>().Reason.ShouldStartWith("source '../up::https://mia:***@x/repo' ");

    [Theory]
    [InlineData("")]
    [InlineData("svn+ssh://x/repo")]
    [InlineData("../up::https://x/repo")]
    [InlineData("/etc::https://x/repo")]
    [InlineData("a/../../b::https://x/repo")]
    [InlineData("::https://x/repo")]
    [InlineData("https://x/..")]
    [InlineData("https://x/.git")]
    [InlineData("https://x/repo#--upload-pack=id")]
    [InlineData("https://x/re\npo")]
    [InlineData("dir::")]
    public void What_has_no_place_below_the_home_directory_is_refused_by_name(string source)
    {
        var refused = SourceReference.Parse(source).ShouldBeOfType<SourceResult.Refused>();

        refused.Reason.ShouldStartWith($"source '{source.Replace('\n', '?')}'");
    }
}
