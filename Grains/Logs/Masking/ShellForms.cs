using System.Text;

namespace Builds.Logs.Masking;

/// <summary>
/// How shells print a word so that it could be read again, <c>set -x</c> above all, and how it looks inside of quotes. Quotes
/// around the word do not belong to it.
/// </summary>
internal static class ShellForms
{
    public static IEnumerable<byte[]> Of(byte[] text) =>
    [
        // Single quotes: as bash prints them, as Python and we write them, and as dash does, which takes several quotes together.
        Escapes.Write(text, c => c == '\'' ? """'\''""" : null),
        Escapes.Write(text, c => c == '\'' ? """'"'"'""" : null),
        DashQuoted(text),
        // Double quotes.
        Escapes.Write(text, c => """\"$`""".Contains(c) ? $"\\{c}" : null),
        // $'…' in a UTF-8 locale and in C.
        Escapes.Write(text, c => char.IsAscii(c) ? DollarQuoted(c) : null),
        Escapes.Write(text, DollarQuoted),
        // printf %q of bash, and libraries that spare but few characters.
        Backslashed(text),
        Escapes.Write(text, c => char.IsAsciiLetterOrDigit(c) || "-_.,:+/@\n".Contains(c) || !char.IsAscii(c) ? null : $"\\{c}"),
    ];

    private static byte[] DashQuoted(byte[] text)
    {
        var written = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            var quotes = text.AsSpan(i).IndexOfAnyExcept((byte)'\'') is var other and >= 0 ? other : text.Length - i;
            if (quotes > 0)
                written.Append("'\"").Append('\'', quotes).Append("\"'");
            i += quotes;
            if (i < text.Length)
                written.Append((char)text[i]);
        }

        return Encoding.Latin1.GetBytes(written.ToString());
    }

    /// <summary>Bash minds a # only at the begin, and a ~ there and behind : and =.</summary>
    private static byte[] Backslashed(byte[] text)
    {
        char? before = null;
        return Escapes.Write(text, c =>
        {
            var escaped = " \t\"'\\|&;()<>!{},*[]?^$`".Contains(c) || (c == '#' && before is null) || (c == '~' && before is null or ':' or '=');
            before = c;
            return escaped ? $"\\{c}" : null;
        });
    }

    private static string? DollarQuoted(char c) => c switch
    {
        '\a' => "\\a",
        '\b' => "\\b",
        '\e' => "\\E",
        '\f' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\v' => "\\v",
        '\\' => """\\""",
        '\'' => """\'""",
        >= ' ' and <= '~' => null,
        _ => $"\\{Convert.ToString(c, 8).PadLeft(3, '0')}",
    };
}
