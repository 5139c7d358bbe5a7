using System.Globalization;
using System.Numerics;

namespace Builds.Manifests;

/// <summary>
/// What a scalar means under YAML 1.1, as the original's reader has it: words for booleans and null, numbers in four bases with
/// underscores, floats in decimal. Dates and sexagesimals stay text.
/// </summary>
internal static class YamlTyping
{
    /// <summary>Never a list or map. Only a plain scalar without a tag, or one with a tag of a number, boolean or null, is not text.</summary>
    public static EnvironmentValue Resolve(YamlScalar scalar)
    {
        var typed = scalar.Plain || scalar.Tag is { } tag && tag.StartsWith(YamlTags.Prefix, StringComparison.Ordinal) && tag is not (YamlTags.Text or YamlTags.Binary);
        return typed ? Resolve(scalar.Text) : new EnvironmentValue.Text(scalar.Text);
    }

    public static bool IsNull(YamlNode node) => node is YamlScalar scalar && Resolve(scalar) is EnvironmentValue.Null;

    private static EnvironmentValue Resolve(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => new EnvironmentValue.Null(),
        "y" or "Y" or "yes" or "Yes" or "YES" or "true" or "True" or "TRUE" or "on" or "On" or "ON" => new EnvironmentValue.Flag(true),
        "n" or "N" or "no" or "No" or "NO" or "false" or "False" or "FALSE" or "off" or "Off" or "OFF" => new EnvironmentValue.Flag(false),
        ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF" => new EnvironmentValue.Real(double.PositiveInfinity),
        "-.inf" or "-.Inf" or "-.INF" => new EnvironmentValue.Real(double.NegativeInfinity),
        ".nan" or ".NaN" or ".NAN" => new EnvironmentValue.Real(double.NaN),
        _ => Number(text) ?? new EnvironmentValue.Text(text),
    };

    private static EnvironmentValue? Number(string text)
    {
        if (!char.IsAsciiDigit(text[0]) && text[0] is not ('+' or '-' or '.'))
            return null;
        var digits = text.Replace("_", "", StringComparison.Ordinal);
        return (EnvironmentValue?)Whole(digits) ?? Real(digits);
    }

    private static EnvironmentValue.Whole? Whole(string text)
    {
        var negative = text.StartsWith('-');
        var digits = negative || text.StartsWith('+') ? text.AsSpan(1) : text;
        var plain = digits switch
        {
            ['0', 'x' or 'X', .. var hex] => InBase(hex, 16),
            ['0', 'b' or 'B', .. var binary] => InBase(binary, 2),
            ['0', 'o' or 'O', .. var octal] => InBase(octal, 8),
            ['0', .. var octal] when octal.Length > 0 && InBase(octal, 8) is { } value => value,
            ['0', _, ..] => null,
            [_, ..] when digits.IndexOfAnyExceptInRange('0', '9') < 0 => digits.ToString(),
            _ => null,
        };
        if (plain is null)
            return null;
        return new EnvironmentValue.Whole(negative && plain != "0" ? "-" + plain : plain);
    }

    /// <summary>Plain decimal digits of a number of any size, or null if a digit does not belong to the base (2, 8 or 16).</summary>
    private static string? InBase(ReadOnlySpan<char> digits, int numberBase)
    {
        if (digits.IsEmpty)
            return null;
        var bits = BitOperations.Log2((uint)numberBase);
        var bytes = new byte[digits.Length * bits / 8 + 2];
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = char.IsAsciiHexDigit(digits[^(i + 1)]) ? Convert.ToInt32(digits[^(i + 1)].ToString(), 16) : int.MaxValue;
            if (digit >= numberBase)
                return null;
            var shifted = digit << (i * bits % 8);
            bytes[i * bits / 8] |= (byte)shifted;
            bytes[i * bits / 8 + 1] |= (byte)(shifted >> 8);
        }
        return new BigInteger(bytes, isUnsigned: true).ToString(CultureInfo.InvariantCulture);
    }

    private static EnvironmentValue.Real? Real(string text)
    {
        var rest = text.AsSpan(text[0] is '+' or '-' ? 1 : 0);
        var exponent = rest.IndexOfAny('e', 'E');
        var mantissa = exponent < 0 ? rest : rest[..exponent];
        if (!IsMantissa(mantissa) || exponent >= 0 && !IsExponent(rest[(exponent + 1)..]))
            return null;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? new EnvironmentValue.Real(value)
            : null;
    }

    private static bool IsMantissa(ReadOnlySpan<char> text)
    {
        var dot = text.IndexOf('.');
        var whole = dot < 0 ? text : text[..dot];
        var fraction = dot < 0 ? [] : text[(dot + 1)..];
        return whole.Length + fraction.Length > 0 && whole.IndexOfAnyExceptInRange('0', '9') < 0 && fraction.IndexOfAnyExceptInRange('0', '9') < 0;
    }

    private static bool IsExponent(ReadOnlySpan<char> text)
    {
        var digits = text is ['+' or '-', ..] ? text[1..] : text;
        return digits.Length > 0 && digits.IndexOfAnyExceptInRange('0', '9') < 0;
    }
}
