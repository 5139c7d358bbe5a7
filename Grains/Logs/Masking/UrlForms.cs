namespace Builds.Logs.Masking;

/// <summary>Percent-encoding in the ways of the usual libraries.</summary>
internal static class UrlForms
{
    /// <summary>What is left as it is, beside letters and digits.</summary>
    private static readonly string[] Unreserved =
    [
        // RFC 3986; Python's quote; PHP's urlencode; HTML forms and Java; .NET's WebUtility.
        "-_.~", "-_.~/", "-_.", "-_.*", "-_.!()*",
        // encodeURIComponent and encodeURI of JavaScript.
        "-_.!~*'()", "-_.!~*'();,/?:@&=+$#",
    ];

    private static readonly string[] Digits = ["0123456789ABCDEF", "0123456789abcdef"];

    private static readonly string[] Blanks = ["%20", "+"];

    public static IEnumerable<byte[]> Of(byte[] text) =>
        from plain in Unreserved
        from digits in Digits
        from blank in Blanks
        select Encode(text, plain, digits, blank);

    private static byte[] Encode(byte[] text, string plain, string digits, string blank) => Escapes.Write(text, c => c switch
    {
        _ when char.IsAsciiLetterOrDigit(c) || plain.Contains(c) => null,
        ' ' => blank,
        _ => $"%{digits[c >> 4]}{digits[c & 15]}",
    });
}
