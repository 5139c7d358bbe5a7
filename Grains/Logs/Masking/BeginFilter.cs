using System.Buffers.Binary;
using System.Numerics;

namespace Builds.Logs.Masking;

/// <summary>Tells of most places in a text that no form begins there, by one look at a table of bits that the cache holds.</summary>
internal sealed class BeginFilter
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
    private readonly int shift;

    public BeginFilter(IReadOnlyCollection<byte[]> forms)
    {
        var size = Math.Clamp(BitOperations.Log2((uint)forms.Count * BitsEach) + 1, FewestBits, MostBits);
        bits = new ulong[(1 << size) / 64];
        shift = 64 - size;
        Span<byte> word = stackalloc byte[Word];
        foreach (var form in forms)
        {
            form.AsSpan(0, SecretMask.Shortest).CopyTo(word);
            var place = Place(BinaryPrimitives.ReadUInt64LittleEndian(word));
            bits[place / 64] |= 1UL << (int)place;
        }
    }

    /// <summary>The first place, not before the given one, at which a form may begin. It knows nothing of the last bytes, and lets them pass.</summary>
    public int Next(ReadOnlySpan<byte> text, int from)
    {
        for (; text.Length - from >= Word; from++)
        {
            var place = Place(BinaryPrimitives.ReadUInt64LittleEndian(text[from..]));
            if ((bits[place / 64] >> (int)place & 1) != 0)
                return from;
        }

        return from;
    }

    private ulong Place(ulong word) => ((word & Begin) * Spread) >> shift;
}
