using System.Collections.Immutable;
using System.Text;

namespace Builds.Logs.Masking;

/// <summary>
/// How a secret may look in a log: as it is, and as the usual tools write it: base64, hex, URL-encoded, and quoted by shells or with
/// backslashes, as in JSON. The same for each line of a value of several lines.
/// </summary>
public static class SecretForms
{
    private const byte LineFeed = (byte)'\n', CarriageReturn = (byte)'\r';

    /// <summary>All forms of <see cref="SecretMask.Shortest"/> bytes or more, each once.</summary>
    public static IReadOnlyCollection<byte[]> Of(IEnumerable<ReadOnlyMemory<byte>> values)
    {
        var forms = new HashSet<byte[]>(ByteComparer.Instance);
        foreach (var text in values.SelectMany(Texts).Distinct(ByteComparer.Instance).Where(IsSecret))
            forms.UnionWith(Of(text).Where(form => form.Length >= SecretMask.Shortest));
        return forms;
    }

    private static IEnumerable<byte[]> Of(byte[] text) =>
        [text, .. Base64Forms.Of(text), .. HexForms(text), .. UrlForms.Of(text), .. ShellForms.Of(text), .. JsonForms.Of(text)];

    /// <summary>The whole value with either kind of line end, without those at its end, which tools add and take away; and each line.</summary>
    private static IEnumerable<byte[]> Texts(ReadOnlyMemory<byte> value)
    {
        var whole = value.TrimEnd([LineFeed, CarriageReturn]).ToArray();
        yield return whole;
        if (!whole.Contains(LineFeed))
            yield break;

        var lines = Lines(whole);
        yield return Joined(lines, "\n"u8);
        yield return Joined(lines, "\r\n"u8);
        foreach (var line in lines)
            yield return line;
    }

    private static ImmutableArray<byte[]> Lines(ReadOnlySpan<byte> text)
    {
        var lines = ImmutableArray.CreateBuilder<byte[]>();
        foreach (var line in text.Split(LineFeed))
            lines.Add(text[line].TrimEnd(CarriageReturn).ToArray());
        return lines.ToImmutable();
    }

    private static byte[] Joined(ImmutableArray<byte[]> lines, ReadOnlySpan<byte> lineEnd)
    {
        var bytes = new List<byte>(lines[0]);
        foreach (var line in lines.Skip(1))
        {
            bytes.AddRange(lineEnd);
            bytes.AddRange(line);
        }

        return [.. bytes];
    }

    // A line of blanks is everywhere.
    private static bool IsSecret(byte[] text) => text.Length >= SecretMask.Shortest && text.AsSpan().ContainsAnyExcept(" \t\r\n"u8);

    private static IEnumerable<byte[]> HexForms(byte[] text) =>
        [Encoding.ASCII.GetBytes(Convert.ToHexString(text)), Encoding.ASCII.GetBytes(Convert.ToHexStringLower(text))];

    private sealed class ByteComparer : IEqualityComparer<byte[]>
    {
        public static readonly ByteComparer Instance = new();

        public bool Equals(byte[]? one, byte[]? other) => one.AsSpan().SequenceEqual(other);

        public int GetHashCode(byte[] bytes)
        {
            var hash = new HashCode();
            hash.AddBytes(bytes);
            return hash.ToHashCode();
        }
    }
}
