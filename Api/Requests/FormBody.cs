using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Builds.Requests;

/// <summary>
/// Both kinds of forms. Own code for the first, because the framework's turns invalid UTF-8 into replacement characters, and a
/// manifest must arrive as it was sent or not at all.
/// </summary>
internal static class FormBody
{
    private const int MaxBoundaryLength = 70; // RFC 2046, section 5.1.1.

    public static List<KeyValuePair<string, string>> ReadUrlEncoded(byte[] body, Encoding encoding)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var part in Split(body, (byte)'&'))
        {
            var equals = part.Span.IndexOf((byte)'=');
            var name = equals < 0 ? part : part[..equals];
            var value = equals < 0 ? default : part[(equals + 1)..];
            if (part.Length > 0)
                pairs.Add(new(Decode(name.Span, encoding), Decode(value.Span, encoding)));
        }

        return pairs;
    }

    public static async Task<List<KeyValuePair<string, string>>> ReadMultipart(
        byte[] body, MediaTypeHeaderValue type, Encoding encoding, CancellationToken cancellationToken)
    {
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        if (string.IsNullOrEmpty(boundary) || boundary.Length > MaxBoundaryLength)
            throw new InvalidDataException($"its boundary must have 1 to {MaxBoundaryLength} characters");

        var pairs = new List<KeyValuePair<string, string>>();
        var reader = new MultipartReader(boundary, new MemoryStream(body));
        while (await reader.ReadNextSectionAsync(cancellationToken) is { } section)
        {
            if (section.GetContentDispositionHeader() is not { } disposition || disposition.Name.Length == 0)
                continue;
            using var value = new MemoryStream();
            await section.Body.CopyToAsync(value, cancellationToken);
            pairs.Add(new(HeaderUtilities.RemoveQuotes(disposition.Name).ToString(), encoding.GetString(value.ToArray())));
        }

        return pairs;
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Split(byte[] body, byte separator)
    {
        var rest = body.AsMemory();
        for (int end; (end = rest.Span.IndexOf(separator)) >= 0; rest = rest[(end + 1)..])
            yield return rest[..end];
        yield return rest;
    }

    private static string Decode(ReadOnlySpan<byte> text, Encoding encoding)
    {
        var bytes = new byte[text.Length];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            bytes[length++] = text[i] switch
            {
                (byte)'+' => (byte)' ',
                (byte)'%' when i + 2 < text.Length && char.IsAsciiHexDigit((char)text[i + 1]) && char.IsAsciiHexDigit((char)text[i + 2]) =>
                    Convert.FromHexString(text.Slice((i += 2) - 1, 2))[0],
                var other => other,
            };
        }

        return encoding.GetString(bytes, 0, length);
    }
}
