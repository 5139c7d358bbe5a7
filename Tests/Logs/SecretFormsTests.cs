using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Builds.Logs;

namespace Builds.Tests.Logs;

public sealed class SecretFormsTests
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static TheoryData<string> Values =>
        ["hunter22", "it's a ''secret''!", "~pw #1,{x}$y`z`\"\\", "grüße/an+alle?~", "#a:~b=~c", "tab\tand\u0001\e", "two\nli\nof 'text'\n", "''''''"];

    [Theory]
    [MemberData(nameof(Values))]
    public void What_libraries_make_of_a_secret_is_hidden_whole(string value)
    {
        var text = value.TrimEnd('\n');
        var bytes = Encoding.UTF8.GetBytes(text);

        Hidden(value, text);
        Hidden(value, text.Replace("\n", "\r\n"));
        Hidden(value, Convert.ToHexString(bytes));
        Hidden(value, Convert.ToHexStringLower(bytes));
        Hidden(value, Convert.ToBase64String(bytes));
        Hidden(value, Convert.ToBase64String([.. bytes, (byte)'\n']));
        Hidden(value, System.Buffers.Text.Base64Url.EncodeToString(bytes));
        Hidden(value, Uri.EscapeDataString(text));
        Hidden(value, WebUtility.UrlEncode(text));
        Hidden(value, JsonSerializer.Serialize(text, Json)[1..^1]);
        Hidden(value, Ascii(JsonSerializer.Serialize(text, Json)[1..^1]));
    }

    [Theory]
    [MemberData(nameof(Values))]
    public async Task What_a_shell_makes_of_a_secret_is_hidden_whole(string value)
    {
        foreach (var (shell, script) in new[]
        {
            ("bash", """set -x; : "$SECRET" """), ("sh", """set -x; : "$SECRET" """), ("bash", """printf '%q' "$SECRET" """), ("bash", "declare -p SECRET"), ("bash", """echo "${SECRET@Q}" """),
            ("sh", """printf '%s' "$SECRET" | base64"""), ("sh", """printf 'x%s' "$SECRET" | base64"""), ("sh", """printf 'xy%sz' "$SECRET" | base64"""),
        })
        {
            var written = await Output(shell, script, value.TrimEnd('\n'));
            var masked = SecretMask.Of([Encoding.UTF8.GetBytes(value)]).Mask(written);

            masked.ShouldContain("***", customMessage: $"{script} wrote {written}");
            masked.Length.ShouldBeLessThanOrEqualTo("declare -x SECRET=$'***'\n".Length, $"of {written} is left {masked}");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Base64_leaves_nothing_but_what_is_mixed_with_the_neighbours(int offset)
    {
        var secret = Enumerable.Range(0, 100).Select(i => (byte)(i * 37)).ToArray();
        string Encoded(byte neighbour) => Convert.ToBase64String([.. Enumerable.Repeat(neighbour, offset + 30), .. secret, .. Enumerable.Repeat(neighbour, 31)]);
        var (one, other) = (Encoded(0), Encoded(255));
        var own = one.Zip(other, (a, b) => a == b).ToArray();
        var (first, beyond) = (Array.IndexOf(own, true), Array.IndexOf(own, false, Array.IndexOf(own, true)));

        SecretMask.Of([secret]).Mask(other).ShouldBe($"{other[..first]}***{other[beyond..]}");
    }

    [Fact]
    public async Task A_long_value_in_lines_of_base64_is_hidden_whole()
    {
        var value = string.Concat(Enumerable.Range(0, 300).Select(i => $"{i}."));
        var written = await Output("sh", """printf '%s' "$SECRET" | base64""", value);

        written.Count(c => c == '\n').ShouldBeGreaterThan(10);
        SecretMask.Of([Encoding.UTF8.GetBytes(value)]).Mask(written).ShouldBe("***\n");
        SecretMask.Of([Encoding.UTF8.GetBytes(value)]).Mask(written.Replace("\n", "\r\n")).ShouldBe("***\r\n");
    }

    // As Python's json.dumps does.
    private static string Ascii(string text) => string.Concat(text.Select(c => char.IsAscii(c) ? $"{c}" : $"\\u{(int)c:x4}"));

    private static void Hidden(string value, string written) =>
        SecretMask.Of([Encoding.UTF8.GetBytes(value)]).Mask($"[{written}]").ShouldBe("[***]", $"'{written}' is left");

    private static async Task<string> Output(string shell, string script, string secret)
    {
        using var process = Process.Start(new ProcessStartInfo(shell, ["-c", $"exec 2>&1; {script}"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            Environment = { ["SECRET"] = secret, ["LC_ALL"] = "C.UTF-8" },
        })!;
        var written = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return written;
    }
}
