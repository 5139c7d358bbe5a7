using Builds.Requests;

namespace Builds.Workers;

/// <summary>What POST /api/workers/NAME/drain sends. Both keys may be left out, and so may the body.</summary>
/// <param name="AtMost">How long what runs may go on; null: to its end.</param>
internal sealed record DrainRequest(TimeSpan? AtMost, string? Note)
{
    /// <summary>In seconds: a week, longer than any job may run.</summary>
    private const int MostSeconds = 7 * 24 * 60 * 60;

    /// <summary>In characters.</summary>
    private const int MostNote = 500;

    /// <summary>Null when <paramref name="fields"/> has collected mistakes.</summary>
    public static DrainRequest? Read(RequestFields fields)
    {
        var deadline = fields.Whole("deadline");
        if (deadline is < 0 or > MostSeconds)
            fields.Refuse("deadline", $"deadline must be a number of seconds from 0 (hand back at once) to {MostSeconds}, not {deadline}: leave it out to let what runs end by itself");
        var note = fields.Text("note");
        if (note is not null && (note.EnumerateRunes().Count() > MostNote || note.Any(char.IsControl)))
            fields.Refuse("note", $"note must be one line of at most {MostNote} characters");
        return fields.IsValid ? new DrainRequest(deadline is { } seconds ? TimeSpan.FromSeconds(seconds) : null, note is "" ? null : note) : null;
    }
}
