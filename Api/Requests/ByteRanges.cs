using Microsoft.AspNetCore.Http;

namespace Builds.Requests;

/// <summary>What the framework leaves to do about the Range header.</summary>
internal static class ByteRanges
{
    /// <summary>
    /// Takes a range in another unit than bytes out of the request: it is to be ignored (RFC 9110, section 14.2), but the framework
    /// reads it as one of bytes.
    /// </summary>
    public static void IgnoreOtherUnits(HttpRequest request)
    {
        if (!Asked(request))
            request.Headers.Remove("Range");
    }

    /// <summary>True if the request asks for a range of bytes.</summary>
    public static bool Asked(HttpRequest request) => request.Headers.Range.ToString().StartsWith("bytes=", StringComparison.OrdinalIgnoreCase);
}
