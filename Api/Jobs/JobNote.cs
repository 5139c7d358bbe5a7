using Builds.Requests;

namespace Builds.Jobs;

/// <summary>The note of a job or a group: markdown for people.</summary>
internal static class JobNote
{
    /// <summary>In characters.</summary>
    private const int Limit = 4096;

    /// <summary>Null if there is none, or if <paramref name="fields"/> has collected a mistake.</summary>
    public static string? Read(RequestFields fields)
    {
        var note = fields.Text("note");
        if (note is null)
            return null;
        var length = note.EnumerateRunes().Count();
        if (length > Limit)
            fields.Refuse("note", $"note may have at most {Limit} characters, this one has {length}");
        if (note.Contains('\0', StringComparison.Ordinal))
            fields.Refuse("note", "note may not contain the character U+0000");
        return note;
    }
}
