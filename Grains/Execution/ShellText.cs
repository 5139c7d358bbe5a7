using System.Buffers;

namespace Builds.Execution;

/// <summary>Text as one word of a POSIX shell, exactly as it is.</summary>
public static class ShellText
{
    private static readonly SearchValues<char> bare =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-");

    /// <summary>As it is where no shell could mistake it, else in single quotes. Not for NUL, which no shell can hold.</summary>
    public static string Quote(string text)
    {
        if (text.Length > 0 && !text.AsSpan().ContainsAnyExcept(bare))
            return text;
        // Nothing is special between single quotes, so each quote of the text stands between two quoted pieces, in double quotes.
        return $"'{text.Replace("'", "'\"'\"'", StringComparison.Ordinal)}'";
    }

    /// <summary>Whether a shell takes it as the name of a variable.</summary>
    public static bool IsName(string text) =>
        text.Length > 0 && !char.IsAsciiDigit(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
