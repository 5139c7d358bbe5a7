using System.Collections.Immutable;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Builds.Requests;

/// <summary>Reads a body of at most <see cref="MaxBytes"/> as JSON or as a form. Bodies are UTF-8, whole and valid.</summary>
public static class RequestBody
{
    public const int MaxBytes = 256 * 1024;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The fields, or null and the refusal.</summary>
    public static async Task<(RequestFields? Fields, IResult? Refusal)> Read(HttpRequest request, CancellationToken cancellationToken)
    {
        var body = await Bytes(request, cancellationToken);
        if (body is null)
            return (null, Problems.TooLarge($"The body may have at most {MaxBytes} bytes: send a shorter manifest or note"));
        if (string.IsNullOrEmpty(request.ContentType) && body.Length == 0)
            return (Form([]), null);
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || !IsUtf8(type))
            return (null, Unsupported(request.ContentType));

        try
        {
            if (type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase))
                return (JsonFields.Parse(StrictUtf8.GetString(body)), null);
            if (type.MediaType.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase))
                return (Form(FormBody.ReadUrlEncoded(body, StrictUtf8)), null);
            if (type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
                return (Form(await FormBody.ReadMultipart(body, type, StrictUtf8, cancellationToken)), null);
        }
        catch (DecoderFallbackException)
        {
            return (null, Problems.Invalid(null, "The body is not valid UTF-8: convert the manifest and the note to UTF-8"));
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            return (null, Problems.Invalid(null, $"The form cannot be read: {error.Message}"));
        }

        return (null, Unsupported(request.ContentType));
    }

    private static bool IsUtf8(MediaTypeHeaderValue type) =>
        !type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase);

    private static IResult Unsupported(string? type) => Problems.UnsupportedType(
        $"The content type '{type}' is not understood: send application/json, application/x-www-form-urlencoded or multipart/form-data, in UTF-8");

    private static RequestFields Form(IEnumerable<KeyValuePair<string, string>> pairs) => new(
        pairs.GroupBy(pair => pair.Key, pair => (FieldValue)new FieldValue.Text(pair.Value), StringComparer.Ordinal).ToImmutableDictionary(
            group => group.Key,
            group => group.Count() == 1 ? group.First() : new FieldValue.List([.. group]),
            StringComparer.Ordinal),
        isForm: true);

    private static async Task<byte[]?> Bytes(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > MaxBytes)
            return null;
        using var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        for (int read; (read = await request.Body.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            if (body.Length + read > MaxBytes)
                return null;
            await body.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }

        return body.ToArray();
    }
}
