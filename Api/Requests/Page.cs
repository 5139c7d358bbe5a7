using System.Collections.Immutable;
using System.Globalization;

namespace Builds.Requests;

/// <summary>One page of a list, newest first (contract/rest section 3).</summary>
/// <param name="Next">Give it as <c>start</c> to get the following page; null on the last one.</param>
/// <param name="ResultsPerPage">Always 50.</param>
/// <param name="Total">All rows of the list, whatever the page.</param>
public sealed record Page<T>(string? Next, ImmutableArray<T> Results, int ResultsPerPage, long Total);

/// <summary>Where a page starts.</summary>
public static class Paging
{
    public const int Size = 50;

    /// <summary>
    /// Reads the query parameter <c>start</c>: the highest id that the page may hold; null from the newest on (absent or -1). False if it
    /// is no whole number.
    /// </summary>
    public static bool TryParseStart(string? text, out int? start)
    {
        start = null;
        if (string.IsNullOrEmpty(text) || text == "-1")
            return text is null or "-1";
        var digits = text[0] == '-' ? text[1..] : text;
        if (digits.Length == 0 || !digits.All(char.IsAsciiDigit))
            return false;
        // Below the first id there is nothing; above the last possible one there is no limit.
        if (text[0] == '-')
            start = 0;
        else if (int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            start = id;
        return true;
    }

    public static ApiError StartMistake(string? text) =>
        new("start", $"start must be an id, a whole number as in \"next\" of the page before, not '{text}'; leave it out for the first page");

    /// <summary>Cuts a page out of a short list that is at hand whole, highest id first.</summary>
    public static Page<TModel> Cut<T, TModel>(IEnumerable<T> rows, int? start, Func<T, int> id, Func<T, TModel> model)
    {
        var all = rows.OrderByDescending(id).ToList();
        var from = all.Where(row => start is null || id(row) <= start).ToList();
        var next = from.Count > Size ? id(from[Size]).ToString(CultureInfo.InvariantCulture) : null;
        return new Page<TModel>(next, [.. from.Take(Size).Select(model)], Size, all.Count);
    }
}
