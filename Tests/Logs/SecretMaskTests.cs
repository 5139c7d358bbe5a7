using System.Text;
using Builds.Logs;

namespace Builds.Tests.Logs;

public sealed class SecretMaskTests
{
    [Theory]
    [InlineData("the password is hunter22!", "the password is ***!")]
    [InlineData("hunter2 hunter hunter223 Hunter22", "hunter2 hunter ***3 Hunter22")]
    [InlineData("hunter22hunter22", "***")]
    [InlineData("hunter22 hunter22", "*** ***")]
    [InlineData("hunhunter22", "hun***")]
    [InlineData("nothing", "nothing")]
    [InlineData("", "")]
    public void A_place_becomes_three_stars_and_nothing_else_changes(string text, string masked) => Of("hunter22").Mask(text).ShouldBe(masked);

    [Theory]
    [InlineData("xabcdefghijx", "x***x")]
    [InlineData("xabcdefghix", "x***ghix")]
    [InlineData("xefghijx", "x***x")]
    public void Places_that_overlap_become_one(string text, string masked) => Of("abcdef", "efghij").Mask(text).ShouldBe(masked);

    [Fact]
    public void A_secret_inside_of_the_begin_of_a_longer_one_is_hidden_when_that_one_does_not_come()
    {
        var mask = Of("begin abcdef and abcdef end", "abcdef");

        mask.Mask("begin abcdef and abcdef").ShouldBe("begin *** and ***");
        mask.Mask("begin abcdef and abcdef end").ShouldBe("***");
    }

    [Fact]
    public void Each_line_of_a_value_is_hidden_if_it_is_long_enough_with_either_line_end()
    {
        var mask = Of("first line\r\nab\r\n        \r\nlast line\n\n");

        mask.Mask("last line\nab\r\nfirst line\r\n        x").ShouldBe("***\nab\r\n***\r\n        x");
        mask.Mask("first line\nab\n        \nlast line\n\nx").ShouldBe("***\n\nx");
    }

    [Fact]
    public void What_is_short_or_blank_is_left_alone()
    {
        foreach (var value in new[] { "", "short", "short\r\n", "\n\n\n\n\n\n\n", "            " })
            Of(value).ShouldBeSameAs(SecretMask.None, value);

        SecretMask.None.Mask("short").ShouldBe("short");
    }

    [Fact]
    public void A_text_without_secrets_is_the_same_instance()
    {
        var text = new string('x', 20);

        Of("hunter22").Mask(text).ShouldBeSameAs(text);
    }

    [Fact]
    public void Only_what_may_be_the_begin_of_a_secret_is_held_back()
    {
        var output = Of("hunter22", "22 again").Open();

        Text(output.Write("a hunt"u8.ToArray())).ShouldBe("a ");
        Text(output.Write(""u8.ToArray())).ShouldBe("");
        Text(output.Write("s h"u8.ToArray())).ShouldBe("hunts ");
        Text(output.Write("unter22"u8.ToArray())).ShouldBe("***", "it is certain although more may follow");
        Text(output.Write(" agai"u8.ToArray())).ShouldBe("");
        Text(output.Write("n, "u8.ToArray())).ShouldBe(", ", "it overlaps, so it has its stars");
        Text(output.Write("hunte"u8.ToArray())).ShouldBe("");
        Text(output.Finish()).ShouldBe("hunte");
        Text(output.Finish()).ShouldBe("");
        Text(output.Write("r22!"u8.ToArray())).ShouldBe("r22!", "the stream was said to have ended");
    }

    [Fact]
    public void Output_without_secrets_is_not_copied()
    {
        var bytes = "some output\n"u8.ToArray();

        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(Of("hunter22").Open().Write(bytes), out var segment).ShouldBeTrue();
        segment.Array.ShouldBeSameAs(bytes);
    }

    [Fact]
    public void More_than_a_silo_has_memory_for_is_refused_without_a_word_of_it()
    {
        var value = new string('v', SecretMask.MostBytes + 1);

        Should.Throw<ArgumentException>(() => Of(value)).Message.ShouldBe(
            "the secrets have 262145 bytes together, and 262144 is the most that can be kept out of logs (Parameter 'values')");
    }

    [Fact]
    public void A_secret_that_its_own_begin_is_repeated_in_takes_no_longer_to_find()
    {
        // Looked for from each place anew, this is 16 thousand million comparisons.
        var mask = Of(new string('a', 16_000) + "b");
        var text = new string('a', 1_000_000);

        mask.Mask(text).ShouldBeSameAs(text);
        mask.Mask(text + "b").ShouldBe(text[16_000..] + "***");
    }

    private static SecretMask Of(params string[] values) => SecretMask.Of(values.Select(value => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(value)));

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
