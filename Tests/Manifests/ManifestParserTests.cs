using System.Text;

namespace Builds.Manifests;

public sealed class ManifestParserTests
{
    [Fact]
    public void Every_mistake_is_told_with_its_place()
    {
        var refused = Refused("""
            packages: git
            sources: [{a: b}]
            secrets: [abc]
            artifacts: [x, x]
            oauth: everything
            shell: "true"
            tasks:
            - A: x
            - a: [1]
            - b: x
              c: y
            - d: 1
            - d: 2
            - just text
            triggers: [{action: email}, {action: sms}, {action: webhook}]
            """);

        refused.ShouldBe(
        [
            "line 1, column 1: image is required",
            "line 1, column 11: cannot unmarshal !!str `git` into []string: packages is a list",
            "line 2, column 11: cannot unmarshal !!map into string: each of sources is a text",
            "line 3, column 11: invalid UUID length: 3: give a secret's UUID, or its name of 4 to 511 bytes",
            "line 4, column 16: duplicate artifact x",
            "line 5, column 8: OAuth grant 'everything' without service/scope format: write for example pages.sr.ht/PAGES:RW",
            "line 6, column 8: cannot unmarshal !!str `true` into bool: shell is true or false",
            "line 8, column 3: invalid task name 'A': use 1 to 128 of a-z, 0-9, _ and -",
            "line 9, column 6: cannot unmarshal !!seq into string: a task's script is a text",
            "line 10, column 3: task schema is {\"name\": \"value\"} (or 'taskname: script...' as YAML)",
            "line 13, column 3: duplicate task d",
            "line 14, column 3: cannot unmarshal !!str `just text` into map[string]string: a task is a map",
            "line 15, column 12: email trigger requires 'to' or 'cc'",
            "line 15, column 29: unknown trigger type 'sms': use email or webhook",
            "line 15, column 44: webhook trigger requires 'url'",
        ]);
    }

    [Theory]
    [InlineData("", "image is required")]
    [InlineData("image: \nshell: yes", "image is required")]
    [InlineData("image: ~\nshell: true", "image is required")]
    [InlineData("image: a", "list of tasks is required")]
    [InlineData("image: a\ntasks: []\nshell: no", "list of tasks is required")]
    public void What_is_required_is_asked_for(string text, string message) => Refused(text).ShouldBe([$"line 1, column 1: {message}"]);

    [Theory]
    [InlineData("image: a\nshell: yes")]
    [InlineData("image: a\nshell: true\narch: null\npackages:\nsources: ~\nenvironment: {}\nsecrets: []\nartifacts:\noauth:\ntriggers:\ntasks:\nrepositories:")]
    [InlineData("\ufeff---\r\nimage: a\r\ntasks:\r\n- a: b\r\n...\r\n")]
    [InlineData("{\"image\": \"a\", \"tasks\": [{\"a\": \"b\\n\"}], \"unknown\": {\"x\": [1, null]}}")]
    [InlineData("image: a\ntasks: [{a: b}]\n---\nimage: [\n")]
    [InlineData("base: &b {image: a}\n<<: *b\ntasks: [{a: b}]")]
    public void Unusual_forms_are_fine(string text) => Accepted(text).Image.ShouldBe("a");

    [Theory]
    [InlineData("y", "true")]
    [InlineData("Yes", "true")]
    [InlineData("OFF", "false")]
    [InlineData("'yes'", "text yes")]
    [InlineData("!!str yes", "text yes")]
    [InlineData("yEs", "text yEs")]
    [InlineData("~", "null")]
    [InlineData("Null", "null")]
    [InlineData("'~'", "text ~")]
    [InlineData("7", "7")]
    [InlineData("-0", "0")]
    [InlineData("+1_000", "1000")]
    [InlineData("0x1F", "31")]
    [InlineData("-0xfffffffffffffffff", "-295147905179352825855")]
    [InlineData("0b101", "5")]
    [InlineData("0o17", "15")]
    [InlineData("017", "15")]
    [InlineData("0b102", "text 0b102")]
    [InlineData("0x", "text 0x")]
    [InlineData("99999999999999999999999", "99999999999999999999999")]
    [InlineData("1e3", "real 1000")]
    [InlineData(".5", "real 0.5")]
    [InlineData("-1.5E-3", "real -0.0015")]
    [InlineData("089", "real 89")]
    [InlineData("-.INF", "real -Infinity")]
    [InlineData(".nan", "real NaN")]
    [InlineData("1.2.3", "text 1.2.3")]
    [InlineData("-", "text -", true)]
    [InlineData(".", "text .")]
    [InlineData("e3", "text e3")]
    [InlineData("2020-01-02", "text 2020-01-02")]
    [InlineData("12:30:45", "text 12:30:45")]
    [InlineData("|\n    a\n    b", "text a\nb")]
    public void A_value_has_the_type_of_YAML_1_1(string written, string expected, bool refused = false)
    {
        var text = $"image: a\nshell: true\nenvironment:\n  V: {written}";
        if (refused)
        {
            Refused(text).ShouldHaveSingleItem();
            return;
        }

        var value = Accepted(text).Environment.Single().Value;

        Describe(value).ShouldBe(expected);
    }

    [Fact]
    public void Lists_and_maps_of_the_environment_keep_their_shape()
    {
        var environment = Accepted("image: a\nshell: true\nenvironment: {L: [a, 1, [b]], M: {x: y}, A: 1, A: 2}").Environment;

        environment.Select(variable => variable.Key).ShouldBe(["L", "M", "A"]);
        environment[0].Value.ShouldBeOfType<EnvironmentValue.List>().Items.Select(Describe).ShouldBe(["text a", "1", "list"]);
        environment[1].Value.ShouldBeOfType<EnvironmentValue.Map>();
        Describe(environment[2].Value).ShouldBe("2");
    }

    [Fact]
    public void Written_keys_win_over_merged_ones_and_earlier_merges_over_later()
    {
        var environment = Accepted("""
            a: &a {K: a, A: a}
            b: &b {K: b, B: b}
            image: i
            shell: true
            environment: {A: own, <<: [*a, *b]}
            """).Environment;

        environment.Select(variable => $"{variable.Key}={Describe(variable.Value)}").ShouldBe(["A=text own", "K=text a", "B=text b"]);
    }

    [Fact]
    public void Every_key_reaches_the_model()
    {
        var manifest = Accepted("""
            image: alpine/edge
            arch: 64
            packages: [git, 1]
            repositories: {r: "https://x key"}
            sources: [https://x/y]
            secrets: [5cb1d2ee-1111-4222-8333-444455556666, name]
            oauth: git.sr.ht/OBJECTS:RO pages.sr.ht/PAGES
            artifacts: [a, ""]
            triggers: [{action: webhook, url: https://x, condition: always, odd: [1]}]
            tasks: [{_a-1: 12}]
            """);

        manifest.Arch.ShouldBe("64");
        manifest.Packages.ShouldBe(["git", "1"]);
        manifest.Repositories.Single().ShouldBe(KeyValuePair.Create("r", "https://x key"));
        manifest.Sources.ShouldBe(["https://x/y"]);
        manifest.Secrets.Length.ShouldBe(2);
        manifest.OAuth.ShouldBe("git.sr.ht/OBJECTS:RO pages.sr.ht/PAGES");
        manifest.Artifacts.ShouldBe(["a", ""]);
        manifest.Triggers.Single().Condition.ShouldBe("always");
        manifest.Triggers.Single().Settings.Single().ShouldBe(KeyValuePair.Create("url", "https://x"));
        manifest.Tasks.Single().ShouldBe(new BuildTask("_a-1", "12"));
    }

    [Fact]
    public void A_syntax_error_has_its_line_and_a_reason()
    {
        Refused("image: a\nb: c: d").ShouldHaveSingleItem().ShouldStartWith("line 2, column ");
        Refused("image: a\ntasks:\n\t- a: b").ShouldHaveSingleItem().ShouldStartWith("line 3, column 1: yaml: ");
    }

    private static BuildManifest Accepted(string text) => ManifestParser.Parse(Encoding.UTF8.GetBytes(text)).ShouldBeOfType<ManifestResult.Accepted>().Manifest;

    private static string[] Refused(string text) =>
        ManifestParser.Parse(text).ShouldBeOfType<ManifestResult.Refused>().Errors.Select(error => error.ToString()).ToArray();

    private static string Describe(EnvironmentValue value) => value switch
    {
        EnvironmentValue.Text text => "text " + text.Value,
        EnvironmentValue.Flag flag => flag.Value ? "true" : "false",
        EnvironmentValue.Null => "null",
        EnvironmentValue.Whole whole => whole.Digits,
        EnvironmentValue.Real real => "real " + real.Value,
        EnvironmentValue.List => "list",
        _ => "map",
    };
}
