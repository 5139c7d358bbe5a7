namespace Builds.Stores;

/// <summary>Where logs and artifacts are kept: a directory, or a bucket of a service that speaks S3.</summary>
public abstract record StoreLocation
{
    private const string Scheme = "s3://";

    private StoreLocation()
    {
    }

    /// <summary>Logs, artifacts and the mark of the store below one directory.</summary>
    /// <param name="Path">Absolute.</param>
    public sealed record Folder(string Path) : StoreLocation
    {
        public override string ToString() => Path;
    }

    /// <param name="Prefix">Before every key: empty, or ending in a slash.</param>
    public sealed record Bucket(string Name, string Prefix) : StoreLocation
    {
        public override string ToString() => $"{Scheme}{Name}/{Prefix}";
    }

    /// <summary>Reads <c>DIR</c> or <c>s3://BUCKET/PREFIX</c> (the prefix may be missing). Throws <see cref="FormatException"/> that says what is wrong.</summary>
    public static StoreLocation Parse(string text)
    {
        if (text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return ParseBucket(text);
        if (text.Contains("://", StringComparison.Ordinal))
            throw new FormatException($"the store '{text}' is neither a directory nor a bucket: give a path, for example /mnt/builds, or s3://bucket/prefix.");
        if (text.Length == 0 || text.Contains('\0', StringComparison.Ordinal))
            throw new FormatException("the store has no name: give a directory, for example /mnt/builds, or s3://bucket/prefix.");
        return new Folder(Path.TrimEndingDirectorySeparator(Path.GetFullPath(text)));
    }

    private static Bucket ParseBucket(string text)
    {
        var (name, prefix) = text[Scheme.Length..].Split('/', 2) is [var bucket, var rest] ? (bucket, rest.Trim('/')) : (text[Scheme.Length..], "");
        // The rules that every such service shares; the service itself may have more.
        if (name.Length is < 3 or > 63 || !name.All(character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character is '-' or '.'))
            throw new FormatException($"the store '{text}' names the bucket '{name}': it must have 3 to 63 of a-z, 0-9, '-' and '.', as in s3://bucket/prefix.");
        if (prefix.Contains("//", StringComparison.Ordinal) || prefix.Split('/').Any(part => part is "." or "..") || prefix.Any(char.IsControl))
            throw new FormatException($"the store '{text}' has the prefix '{prefix}': its parts must be neither empty nor '.' nor '..', as in s3://bucket/prefix.");
        return new Bucket(name, prefix.Length == 0 ? "" : prefix + "/");
    }
}
