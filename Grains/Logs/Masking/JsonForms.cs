using System.Text;

namespace Builds.Logs.Masking;

/// <summary>
/// A text inside of a string of JSON, or of a language that writes strings like it: with and without a backslash before a slash, and with
/// all that is not ASCII as it is or by number.
/// </summary>
internal static class JsonForms
{
    private static readonly string[] Slashes = ["/", "\\/"];

    private static readonly string[] Digits = ["x4", "X4"];

    private static readonly bool[] Either = [false, true];

    public static IEnumerable<byte[]> Of(byte[] text)
    {
        // Bytes that are no text stay as they are: tools that cannot show them do as they like.
        var isText = System.Text.Unicode.Utf8.IsValid(text);
        var characters = isText ? Encoding.UTF8.GetString(text) : Encoding.Latin1.GetString(text);
        return from slash in Slashes
               from digits in Digits
               from ascii in isText ? Either : Either[..1]
               let written = string.Concat(characters.Select(c => c == '/' ? slash : Written(c, digits, ascii)))
               select (isText ? Encoding.UTF8 : Encoding.Latin1).GetBytes(written);
    }

    private static string Written(char c, string digits, bool ascii) => c switch
    {
        '\b' => "\\b",
        '\f' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\\' => """\\""",
        '"' => "\\\"",
        < ' ' => $"\\u{((int)c).ToString(digits)}",
        > '\x7e' when ascii => $"\\u{((int)c).ToString(digits)}",
        _ => c.ToString(),
    };
}
