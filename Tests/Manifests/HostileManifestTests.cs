using System.Text;
using Builds.Tests;
using CsCheck;

namespace Builds.Manifests;

public sealed class HostileManifestTests
{
    private const int Longest = ManifestParser.MaxCharacters - 1;

    [Theory]
    [InlineData("[")]
    [InlineData("{")]
    [InlineData("- ")]
    [InlineData("? ")]
    [InlineData("[[\n")]
    [InlineData("{a: ")]
    [InlineData("&a [")]
    [InlineData("!t [")]
    public void Depth_is_refused_long_before_the_end_of_the_text(string opening)
    {
        var text = Repeat(opening);

        var refused = ManifestParser.Parse(text).ShouldBeOfType<ManifestResult.Refused>();

        refused.Errors.Length.ShouldBe(1);
        refused.Errors[0].Message.ShouldStartWith("yaml: exceeded max depth");
    }

    [Fact]
    public void The_deepest_allowed_level_is_read_and_one_more_is_not()
    {
        ManifestParser.Parse(Nested(YamlLevels - 1)).ShouldBeOfType<ManifestResult.Accepted>();
        ManifestParser.Parse(Nested(YamlLevels)).ShouldBeOfType<ManifestResult.Refused>();
    }

    [Fact]
    public void An_alias_bomb_is_refused()
    {
        var bomb = new StringBuilder("image: a\nx0: &x0 [a, a]\n");
        for (var i = 1; i < 60; i++)
            bomb.Append($"x{i}: &x{i} [*x{i - 1}, *x{i - 1}, *x{i - 1}]\n");

        ShouldTell(bomb.ToString(), "yaml: document contains excessive aliasing");
    }

    [Fact]
    public void A_chain_of_aliases_cannot_be_deeper_than_brackets()
    {
        var chain = new StringBuilder("image: a\nx0: &x0 [a]\n");
        for (var i = 1; i < 500; i++)
            chain.Append($"x{i}: &x{i} [*x{i - 1}]\n");

        ShouldTell(chain.ToString(), "yaml: exceeded max depth");
    }

    [Fact]
    public void A_long_scalar_cannot_be_multiplied_by_aliases()
    {
        var text = $"image: a\ns: &s {new string('x', 8000)}\nl: [{string.Concat(Enumerable.Repeat("*s,", 2000))}]\n";

        ShouldTell(text, "yaml: document contains excessive aliasing");
    }

    [Fact]
    public void Merge_keys_count_as_if_written_out()
    {
        var keys = string.Join(", ", Enumerable.Range(0, 1000).Select(i => $"k{i}: 1"));
        var text = $"image: a\nm: &m {{{keys}}}\nl: [{string.Concat(Enumerable.Repeat("{<<: *m},", 300))}]\n";

        ShouldTell(text, "yaml: document contains excessive aliasing");
    }

    [Theory]
    [InlineData("&a [*a]", "yaml: anchor 'a' value contains itself")]
    [InlineData("&a {<<: *a}", "yaml: anchor 'a' value contains itself")]
    [InlineData("*nobody", "yaml: unknown anchor 'nobody' referenced")]
    [InlineData("{<<: 1}", "yaml: map merge requires map or sequence of maps as the value")]
    [InlineData("\"a\\0b\"", "NUL cannot be part of a manifest")]
    public void What_has_no_finite_or_storable_meaning_is_refused(string value, string message) => ShouldTell($"image: a\nx: {value}\n", message);

    [Theory]
    [InlineData("image: a\0\ntasks: 1", "control characters are not allowed (U+0000)")]
    [InlineData("image: a\u001b[0m", "control characters are not allowed (U+001B)")]
    [InlineData("image: \uffff", "control characters are not allowed (U+FFFF)")]
    public void Characters_that_no_text_has_are_refused(string text, string message) => ShouldTell(text, "yaml: " + message);

    [Fact]
    public void Half_a_surrogate_pair_is_refused()
    {
        ShouldTell("image: a\ud800", "yaml: invalid Unicode");
        ShouldTell("\udc00", "yaml: invalid Unicode");
    }

    [Theory]
    [InlineData("image: a\ntasks:\n- a: b\n:")]
    [InlineData("image: a\ntasks: [a\nx: y")]
    [InlineData("image: a\n...\n- a: b")]
    public void Texts_that_confuse_the_library_are_refused_or_read_but_never_thrown(string text) => ParsesToSomething(text);

    [Fact]
    public void Bytes_that_are_not_UTF_8_are_refused_with_their_place()
    {
        var refused = ManifestParser.Parse([(byte)'a', (byte)'\n', (byte)'b', 0xff]).ShouldBeOfType<ManifestResult.Refused>();

        refused.Errors.Single().ToString().ShouldStartWith("line 2, column 2: yaml: invalid UTF-8");
    }

    [Theory]
    [InlineData(Longest, true)]
    [InlineData(Longest + 1, false)]
    [InlineData(100_000, false)]
    public void The_limit_counts_characters_and_is_exclusive(int length, bool accepted)
    {
        foreach (var filler in new[] { "x", "\U0001f600" })
        {
            const string Start = "image: a\ntasks: [{a: b}]\n#";
            var text = Start + string.Concat(Enumerable.Repeat(filler, length - Start.Length));

            (ManifestParser.Parse(text) is ManifestResult.Accepted).ShouldBe(accepted);
            (ManifestParser.Parse(Encoding.UTF8.GetBytes(text)) is ManifestResult.Accepted).ShouldBe(accepted);
        }
        if (!accepted)
            ShouldTell(new string('x', length), "Manifest must be less than 16384 bytes");
    }

    [Fact]
    public void The_widest_texts_are_read()
    {
        var map = "image: a\ntasks: [{a: b}]\nx: {" + string.Concat(Enumerable.Range(0, 2700).Select(i => $"{i:x},")) + "}";
        var list = "image: a\ntasks: [{a: b}]\nx: [" + string.Concat(Enumerable.Repeat("a,", 8100)) + "]";
        var tasks = "image: a\ntasks:\n" + string.Concat(Enumerable.Range(0, 2000).Select(i => $"- {i:x}:\n"));
        var anchors = "image: a\ntasks: [{a: b}]\nx:\n" + string.Concat(Enumerable.Range(0, 1500).Select(i => $"- &a{i} b\n"));

        foreach (var text in new[] { map, list, tasks, anchors })
            ManifestParser.Parse(text).ShouldBeOfType<ManifestResult.Accepted>();
    }

    [Fact]
    public void A_screenful_of_mistakes_is_told_and_the_rest_counted()
    {
        var text = "image: a\ntasks:\n" + string.Concat(Enumerable.Repeat("- A: b\n", 2000));

        var refused = ManifestParser.Parse(text).ShouldBeOfType<ManifestResult.Refused>();

        refused.Errors.Length.ShouldBe(50);
        refused.Errors[^1].Message.ShouldContain("are not listed");
    }

    [Fact]
    public void No_text_makes_the_parser_throw()
    {
        string[] pieces = ["[", "]", "{", "}", "- ", "? ", ": ", ",", "\n", "\n  ", "&a ", "*a", "<<: ", "!!int ", "!t ", "'", "\"", "|\n ", ">-\n ", "#", "%YAML 1.1\n", "---\n", "...\n", "\t",
            "image: a\n", "tasks:\n", "- a: b\n", "environment: ", "triggers: ", "secrets: ", "0x", "1e", "~", "\\", "\\u", "\r\n", "\u0085", "\u2028", "\ufeff", "@", "`", "x"];
        var grammar = Gen.Int[0, pieces.Length - 1].Select(i => pieces[i]).Array[0, 200].Select(string.Concat);

        Gen.OneOf(grammar, Gen.String[0, 400]).Sample(ParsesToSomething, iter: 20_000);
    }

    [ConformanceFact]
    public void No_change_to_a_real_manifest_makes_the_parser_throw()
    {
        var texts = Directory.GetFiles(Path.Combine(Conformance.Folder, "manifests"), "*.y*ml").Order(StringComparer.Ordinal).Select(File.ReadAllText).ToArray();
        var mutated = Gen.Select(Gen.Int[0, texts.Length - 1], Gen.Int[0, 4000], Gen.Int[0, 20], Gen.Char[" \t\n:-[]{}&*!|>'\"%@#,?a\0"].Array[0, 6],
            (which, at, remove, insert) =>
            {
                var text = texts[which];
                var start = Math.Min(at, text.Length);
                return string.Concat(text.AsSpan(0, start), insert.AsSpan(), text.AsSpan(Math.Min(start + remove, text.Length)));
            });

        mutated.Sample(ParsesToSomething, iter: 5_000);
    }

    private static int YamlLevels => YamlReader.MaxDepth;

    private static string Nested(int levels) => $"image: a\ntasks: [{{a: b}}]\nx: {new string('[', levels)}{new string(']', levels)}";

    private static string Repeat(string piece) => string.Concat(Enumerable.Repeat(piece, Longest / piece.Length));

    private static void ShouldTell(string text, string message) =>
        ManifestParser.Parse(text).ShouldBeOfType<ManifestResult.Refused>().Errors[0].Message.ShouldStartWith(message);

    private static void ParsesToSomething(string text)
    {
        var result = ManifestParser.Parse(text);

        if (result is ManifestResult.Refused refused)
            refused.Errors.ShouldAllBe(error => error.Line >= 1 && error.Column >= 1 && error.Message.Length > 0);
        else
            result.ShouldBeOfType<ManifestResult.Accepted>().Manifest.Image.ShouldNotBeEmpty();
    }
}
