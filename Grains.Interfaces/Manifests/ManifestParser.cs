namespace Builds.Manifests;

/// <summary>
/// Reads a manifest: YAML (so JSON too), the first document only. Pure, takes time in proportion to the text, and never throws for any
/// text. Verdicts are those of the original's validator at submission, with task names of at most 128 characters.
/// </summary>
public static class ManifestParser
{
    /// <summary>A manifest has fewer characters than this.</summary>
    public const int MaxCharacters = 16_384;

    private const string TooLong = "Manifest must be less than 16384 bytes";

    /// <summary>Reads UTF-8, with or without a byte order mark.</summary>
    public static ManifestResult Parse(ReadOnlySpan<byte> utf8)
    {
        var errors = new ManifestErrors();
        // No character takes more than 4 bytes: longer is too long whatever it holds.
        if (utf8.Length > 4 * MaxCharacters)
        {
            errors.Add(1, 1, TooLong);
            return errors.ToResult();
        }
        return ManifestText.Decode(utf8, errors) is { } text ? Parse(text) : errors.ToResult();
    }

    public static ManifestResult Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var errors = new ManifestErrors();
        if (text.Length >= 2 * MaxCharacters || ManifestText.Count(text) >= MaxCharacters)
        {
            errors.Add(1, 1, TooLong);
            return errors.ToResult();
        }
        if (text.StartsWith('\ufeff'))
            text = text[1..];
        if (!ManifestText.CheckCharacters(text, errors))
            return errors.ToResult();

        var root = new YamlReader(text, errors).Read();
        if (errors.Any)
            return errors.ToResult();
        var manifest = new ManifestBuilder(errors).Build(root);
        return errors.Any ? errors.ToResult() : new ManifestResult.Accepted(manifest);
    }
}
