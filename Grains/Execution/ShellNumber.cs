using System.Globalization;

namespace Builds.Execution;

/// <summary>A float in its shortest form, laid out as Go's <c>%g</c> does: with an exponent from 1e+06 up and below 1e-04.</summary>
internal static class ShellNumber
{
    private const int ExponentFrom = 6, ExponentBelow = -4;

    public static string Format(double value)
    {
        if (double.IsNaN(value))
            return "NaN";
        if (double.IsInfinity(value))
            return value > 0 ? "+Inf" : "-Inf";

        var (sign, digits, exponent) = Shortest(value);
        if (exponent is < ExponentBelow or >= ExponentFrom)
            return Scientific(sign, digits, exponent);
        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        if (digits.Length <= exponent + 1)
            return sign + digits.PadRight(exponent + 1, '0');
        return $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    /// <summary>Sign, significant digits, and the decimal exponent of the first of them.</summary>
    private static (string Sign, string Digits, int Exponent) Shortest(double value)
    {
        var text = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        var mark = text.IndexOf('E', StringComparison.Ordinal);
        var mantissa = mark < 0 ? text : text[..mark];
        var exponent = mark < 0 ? 0 : int.Parse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var dot = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = dot < 0 ? mantissa.Length : dot;
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        var zeros = digits.Length - digits.TrimStart('0').Length;
        var significant = digits.Trim('0');
        var sign = double.IsNegative(value) ? "-" : "";
        return significant.Length == 0 ? (sign, "0", 0) : (sign, significant, exponent + whole - zeros - 1);
    }

    private static string Scientific(string sign, string digits, int exponent)
    {
        var fraction = digits.Length > 1 ? "." + digits[1..] : "";
        return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }
}
