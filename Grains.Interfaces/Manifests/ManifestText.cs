using System.Text;

namespace Builds.Manifests;

/// <summary>What must be true of the characters before anything reads their meaning.</summary>
internal static class ManifestText
{
    private static readonly UTF8Encoding strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The text, or null and one error with the place of the first byte that is not UTF-8.</summary>
    public static string? Decode(ReadOnlySpan<byte> bytes, ManifestErrors errors)
    {
        try
        {
            return strict.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            var good = bytes[..Math.Clamp(exception.Index, 0, bytes.Length)];
            var line = 1 + good.Count((byte)'\n');
            var column = 1 + good[(good.LastIndexOf((byte)'\n') + 1)..].Length;
            errors.Add(line, column, "yaml: invalid UTF-8: a manifest is text in UTF-8; convert the file, for example with iconv");
            return null;
        }
    }

    /// <summary>Characters as people count them: a surrogate pair is one.</summary>
    public static int Count(string text)
    {
        var count = text.Length;
        for (var i = 1; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text[i - 1], text[i]))
                count--;
        }
        return count;
    }

    /// <summary>
    /// Refuses what YAML 1.1 section 5.1 does not allow in a stream. The library takes NUL for the end of the text, so without this
    /// check a manifest could hide its rest behind one.
    /// </summary>
    public static bool CheckCharacters(string text, ManifestErrors errors)
    {
        var (line, column) = (1, 1);
        for (var i = 0; i < text.Length; i++, column++)
        {
            var c = text[i];
            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
                continue;
            }
            if (!IsAllowed(c))
            {
                var name = char.IsSurrogate(c) ? "invalid Unicode (half a surrogate pair)" : $"control characters are not allowed (U+{(int)c:X4})";
                errors.Add(line, column, "yaml: " + name);
                return false;
            }
            if (c == '\n' || c == '\r' && (i + 1 == text.Length || text[i + 1] != '\n'))
                (line, column) = (line + 1, 0);
        }
        return true;
    }

    /// <summary>What an escape like <c>"\0"</c> can bring into a scalar and no file name, variable or UTF-8 text can hold; null if nothing.</summary>
    public static string? FindUnstorable(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == '\0')
                return "NUL";
            if (!char.IsSurrogate(value[i]))
                continue;
            if (i + 1 == value.Length || !char.IsSurrogatePair(value[i], value[i + 1]))
                return "half a surrogate pair";
            i++;
        }
        return null;
    }

    private static bool IsAllowed(char c) => c switch
    {
        '\t' or '\n' or '\r' or '\u0085' => true,
        < ' ' or (> '~' and < '\u00a0') => false,
        >= '\ud800' and <= '\udfff' => false,
        '\ufffe' or '\uffff' => false,
        _ => true,
    };
}
