using System.Globalization;

namespace Builds.Commands;

/// <summary>Spans of time as people type them: a whole number of seconds, or one with s, m, h or d behind it.</summary>
internal static class DurationText
{
    /// <summary>Null if it is none, or longer than a year.</summary>
    public static TimeSpan? Parse(string text)
    {
        var unit = text.Length > 0 && !char.IsAsciiDigit(text[^1]) ? text[^1] : (char?)null;
        var seconds = unit switch { null or 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => 0 };
        return seconds > 0 && int.TryParse(unit is null ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && (long)number * seconds is var all and <= 366 * 86_400
                ? TimeSpan.FromSeconds(all)
                : null;
    }
}
