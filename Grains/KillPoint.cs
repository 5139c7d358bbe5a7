namespace Builds;

/// <summary>
/// Names a moment between two durable steps, so that a test can end the process exactly there and see what the next start makes of it.
/// Does nothing, and costs one look at a field, unless a process was started for that (Silo/KillSwitch.cs).
/// </summary>
public static class KillPoint
{
    /// <summary>Told of each point that is passed, on the thread that passes it. Null, as it always is in service: nobody.</summary>
    public static Action<string>? Watcher { get; set; }

    /// <param name="name">WHERE.WHAT-JUST-HAPPENED; each name stands once in the code.</param>
    /// <param name="part">Tells apart what passes the same point: the kind of a record, a status.</param>
    public static void Reached(string name, string? part = null)
    {
        if (Watcher is { } watcher)
            watcher(part is null ? name : $"{name}/{part}");
    }
}
