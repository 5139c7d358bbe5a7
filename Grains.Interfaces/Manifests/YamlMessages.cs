using YamlDotNet.Core;

namespace Builds.Manifests;

/// <summary>Brings the library's sentences into the shape of the other messages: a reason, no capital, no full stop.</summary>
internal static class YamlMessages
{
    public static bool IsTab(YamlException exception) => exception.Message.Contains("invalid tab as indentation", StringComparison.Ordinal);

    public static string Reason(YamlException exception)
    {
        var text = exception.Message;
        // "(Lin: 1, Col: 2, Chr: 3) - (...): Reason": the place is told apart.
        var place = text.StartsWith("(Line", StringComparison.Ordinal) ? text.IndexOf("): ", StringComparison.Ordinal) : -1;
        if (place >= 0)
            text = text[(place + 3)..];
        text = ManifestErrors.Shorten(text.Trim().TrimEnd('.'), 256);
        return text.Length == 0 ? "not readable" : char.ToLowerInvariant(text[0]) + text[1..];
    }
}
