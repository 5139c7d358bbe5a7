using Builds.Logs.Masking;

namespace Builds.Logs;

/// <summary>
/// One stream of bytes with the secrets taken out (<see cref="SecretMask"/>), however it is cut into pieces. It holds back the bytes
/// at its end that may be the beginning of a secret, and no others. What a call answers is valid until the next call. For one caller
/// at a time.
/// </summary>
public sealed class MaskedOutput
{
    private readonly FormMatcher? matcher;
    private readonly SecretRuns runs = new();
    private int state;
    // Bytes taken so far. Those held back are the last of them, and lie in the buffer.
    private long seen;
    private byte[] buffer = [];
    private int from;
    private int end;
    private bool behindStars;

    internal MaskedOutput(FormMatcher? matcher) => this.matcher = matcher;

    /// <summary>Whether anything was hidden so far.</summary>
    internal bool HasHidden { get; private set; }

    /// <summary>Takes the next bytes and answers all that is certain now; it may be a part of them, not copied.</summary>
    public ReadOnlyMemory<byte> Write(ReadOnlyMemory<byte> bytes)
    {
        if (matcher is null || bytes.IsEmpty)
            return bytes;
        state = matcher.Scan(bytes.Span, state, runs, seen);
        seen += bytes.Length;
        var uncertain = matcher.Depth(state);
        if (from < end || !runs.IsEmpty)
        {
            Keep(bytes.Span);
            return Release(uncertain);
        }

        // Nothing was held back, nothing is hidden: as nearly always.
        Keep(bytes.Span[^uncertain..]);
        behindStars &= uncertain == bytes.Length;
        return bytes[..^uncertain];
    }

    /// <summary>The output has ended, or nothing follows for now: what was held back is no secret, and is answered. More may be written.</summary>
    public ReadOnlyMemory<byte> Finish()
    {
        state = 0;
        var rest = Release(0);
        behindStars = false;
        return rest;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (from == end)
            from = end = 0;
        if (bytes.Length > buffer.Length - end)
        {
            var kept = buffer.AsSpan(from..end);
            var needed = kept.Length + bytes.Length;
            // Twice as much as needed: what is held back is not moved for every byte that comes.
            var larger = needed * 2 > buffer.Length ? new byte[needed * 2] : buffer;
            kept.CopyTo(larger);
            (buffer, from, end) = (larger, 0, kept.Length);
        }

        bytes.CopyTo(buffer.AsSpan(end));
        end += bytes.Length;
    }

    /// <summary>Takes all but the last bytes out of the buffer, in place: stars are shorter than what they stand for.</summary>
    private ReadOnlyMemory<byte> Release(int uncertain)
    {
        var (begin, filled) = (from, from);
        var (position, until) = (seen - (end - from), seen - uncertain);
        while (runs.TakeUntil(until, out var start, out var stop))
        {
            filled += Move(filled, (int)(start - position));
            if (!behindStars)
            {
                SecretMask.Stars.CopyTo(buffer.AsSpan(filled));
                filled += SecretMask.Stars.Length;
            }

            HasHidden = behindStars = true;
            from += (int)(stop - start);
            position = stop;
        }

        filled += Move(filled, (int)(until - position));
        return buffer.AsMemory(begin, filled - begin);
    }

    private int Move(int to, int count)
    {
        buffer.AsSpan(from, count).CopyTo(buffer.AsSpan(to));
        from += count;
        behindStars &= count == 0;
        return count;
    }
}
