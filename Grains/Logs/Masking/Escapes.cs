using System.Text;

namespace Builds.Logs.Masking;

internal static class Escapes
{
    /// <summary>Writes something else for some bytes.</summary>
    /// <param name="escape">For the byte with this number, ASCII; null: the byte itself.</param>
    public static byte[] Write(byte[] text, Func<char, string?> escape)
    {
        var written = new List<byte>(text.Length);
        foreach (var value in text)
        {
            if (escape((char)value) is { } instead)
                written.AddRange(Encoding.ASCII.GetBytes(instead));
            else
                written.Add(value);
        }

        return [.. written];
    }
}
