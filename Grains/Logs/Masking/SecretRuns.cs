namespace Builds.Logs.Masking;

/// <summary>The places of a stream that are to be hidden, in order; those that overlap or touch are one. Positions count from its begin.</summary>
internal sealed class SecretRuns
{
    private (long Start, long Stop)[] runs = new (long, long)[4];
    private int first;
    private int end;

    public bool IsEmpty => first == end;

    /// <param name="stop">Not below that of any run before.</param>
    public void Add(long start, long stop)
    {
        while (end > first && runs[end - 1].Stop >= start)
            start = Math.Min(start, runs[--end].Start);
        if (end == runs.Length)
            MakeRoom();
        runs[end++] = (start, stop);
    }

    /// <summary>Takes the first run if it begins before a position; if it goes on beyond that, the rest of it stays.</summary>
    public bool TakeUntil(long position, out long start, out long stop)
    {
        (start, stop) = IsEmpty ? default : runs[first];
        if (IsEmpty || start >= position)
            return false;
        if (stop > position)
        {
            runs[first].Start = stop = position;
            return true;
        }

        first++;
        if (IsEmpty)
            first = end = 0;
        return true;
    }

    private void MakeRoom()
    {
        var left = runs.AsSpan(first..end);
        var larger = left.Length * 2 > runs.Length ? new (long, long)[runs.Length * 2] : runs;
        left.CopyTo(larger);
        (runs, first, end) = (larger, 0, left.Length);
    }
}
