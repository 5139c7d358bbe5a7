using System.Buffers.Binary;
using System.Numerics;

namespace Builds.Logs.Masking;

/// <summary>
/// Finds the places in a text at which a form begins, by its first <see cref="SecretMask.Shortest"/> bytes: nearly all others are
/// passed over by one look at a table of bits that the processor's cache holds.
/// </summary>
internal sealed class FormBegins
{
    // A place is looked at as a whole word.
    private const int Word = sizeof(ulong);
    private const ulong Begin = (1UL << (8 * SecretMask.Shortest)) - 1;
    // An odd number without pattern, from the golden ratio: its product's high bits depend on every byte.
    private const ulong Spread = 0x9E37_79B9_7F4A_7C15;
    private const int FewestBits = 16, MostBits = 22;
    // So many bits for each form: few places pass without a form.
    private const int BitsEach = 32;

    private readonly ulong[] bits;
    private readonly int bitShift;
    private readonly (ulong Begin, int State)[] entries;
    private readonly int entryShift;

    /// <param name="most">How many will be added at most.</param>
    public FormBegins(int most)
    {
        var size = Math.Clamp(BitOperations.Log2((uint)most) + 1 + BitOperations.Log2(BitsEach), FewestBits, MostBits);
        bits = new ulong[(1 << size) / 64];
        bitShift = 64 - size;
        var entrySize = BitOperations.Log2((uint)most) + 2;
        entries = new (ulong, int)[1 << entrySize];
        entryShift = 64 - entrySize;
    }

    /// <param name="state">Not 0; the same for the same begin.</param>
    public void Add(ReadOnlySpan<byte> form, int state)
    {
        Span<byte> word = stackalloc byte[Word];
        word.Clear();
        form[..SecretMask.Shortest].CopyTo(word);
        var begin = BinaryPrimitives.ReadUInt64LittleEndian(word);
        var hash = begin * Spread;
        bits[hash >> bitShift >> 6] |= 1UL << (int)(hash >> bitShift);
        Entry(begin, hash) = (begin, state);
    }

    /// <summary>
    /// The first place, not before the given one, at which a form begins, and its state behind the begin. State 0: there is none as far
    /// as can be looked up, which is all but a few bytes.
    /// </summary>
    public int Next(ReadOnlySpan<byte> text, int from, out int state)
    {
        for (; text.Length - from >= Word; from++)
        {
            var begin = BinaryPrimitives.ReadUInt64LittleEndian(text[from..]) & Begin;
            var hash = begin * Spread;
            if ((bits[hash >> bitShift >> 6] >> (int)(hash >> bitShift) & 1) == 0)
                continue;
            state = Entry(begin, hash).State;
            if (state != 0)
                return from;
        }

        state = 0;
        return from;
    }

    /// <summary>Where the begin is, or would be.</summary>
    private ref (ulong Begin, int State) Entry(ulong begin, ulong hash)
    {
        // There are at least twice as many entries as begins, so the search ends.
        var place = hash >> entryShift;
        while (entries[place].State != 0 && entries[place].Begin != begin)
            place = (place + 1) & ((ulong)entries.Length - 1);
        return ref entries[place];
    }
}
