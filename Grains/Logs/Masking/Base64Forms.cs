using System.Text;

namespace Builds.Logs.Masking;

/// <summary>
/// Base64 of a text, alone or inside of what was encoded: where it begins one or two bytes behind a multiple of three, or where other
/// bytes follow, the characters that it shares with its neighbours are left out. Both alphabets, with and without padding, and in
/// lines of 76 as base64(1) writes them.
/// </summary>
internal static class Base64Forms
{
    private const int Column = 76;

    public static IEnumerable<byte[]> Of(byte[] text)
    {
        foreach (var form in Enumerable.Range(0, 3).SelectMany(offset => Encoded(text, offset)).Distinct(StringComparer.Ordinal).ToList())
        {
            yield return Encoding.ASCII.GetBytes(form);
            yield return Encoding.ASCII.GetBytes(form.Replace('+', '-').Replace('/', '_'));
        }

        foreach (var form in Encoded(text, 0).Where(form => form.Length > Column))
        {
            var lines = form.Chunk(Column).Select(line => new string(line)).ToList();
            yield return Encoding.ASCII.GetBytes(string.Join('\n', lines));
            yield return Encoding.ASCII.GetBytes(string.Join("\r\n", lines));
        }
    }

    /// <summary>With a line end behind it as well: echo adds one.</summary>
    private static IEnumerable<string> Encoded(byte[] text, int offset) => [.. Ends(text, offset), .. Ends([.. text, (byte)'\n'], offset)];

    private static IEnumerable<string> Ends(byte[] text, int offset)
    {
        var padded = Convert.ToBase64String([.. new byte[offset], .. text]);
        // Each character has six bits.
        var (first, beyond) = (((offset * 8) + 5) / 6, (offset + text.Length) * 8 / 6);
        return [padded[first..beyond], padded.TrimEnd('=')[first..], padded[first..]];
    }
}
