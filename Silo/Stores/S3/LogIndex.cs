using System.Collections.Immutable;

namespace Builds.Stores.S3;

/// <summary>What is known of the objects of one log; immutable. Later looks add to it, for segments do not change.</summary>
internal sealed record LogIndex
{
    public static readonly LogIndex Nothing = new();

    public bool HasBegun { get; private init; }

    /// <summary>In bytes.</summary>
    public long Length { get; private init; }

    /// <summary>The end is there.</summary>
    public bool IsSealed { get; private init; }

    /// <summary>All of it is in one object.</summary>
    public bool IsWhole { get; private init; }

    /// <summary>Where each segment begins, in order; empty where <see cref="IsWhole"/>.</summary>
    public ImmutableList<long> Segments { get; private init; } = [];

    /// <summary>The last object that was listed.</summary>
    public string? Last { get; private init; }

    /// <summary>With what a list has next; null if it does not fit: then segments were put together meanwhile, and it takes a look from the beginning.</summary>
    public LogIndex? With(ListedObject found)
    {
        var name = found.Key[(found.Key.LastIndexOf('/') + 1)..];
        if (IsSealed)
            return this;
        if (name == LogObjects.Begun)
            return this with { HasBegun = true, Last = found.Key };
        if (name == LogObjects.Whole)
            return Nothing with { HasBegun = true, IsSealed = true, IsWhole = true, Length = found.Size, Last = found.Key };
        if (LogObjects.Offset(name) is not { } offset)
            return this;
        if (!HasBegun || offset != Length)
            return null;
        return found.Size == 0
            ? this with { IsSealed = true, Last = found.Key }
            : this with { Segments = Segments.Add(offset), Length = offset + found.Size, Last = found.Key };
    }

    /// <summary>The number of the segment that holds the byte at <paramref name="offset"/>, which must be less than <see cref="Length"/>.</summary>
    public int SegmentOf(long offset)
    {
        var found = Segments.BinarySearch(offset);
        return found >= 0 ? found : ~found - 1;
    }

    public long SizeOf(int segment) => (segment + 1 < Segments.Count ? Segments[segment + 1] : Length) - Segments[segment];
}
