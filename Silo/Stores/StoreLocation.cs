using System.Text.RegularExpressions;

namespace Builds.Stores;

/// <summary>Where logs and artifacts are kept.</summary>
public abstract partial record StoreLocation
{
    private const string S3 = "s3://";
    private const int MaxPrefix = 200;

    private StoreLocation()
    {
    }

    /// <summary>Logs, artifacts and the mark of the store below one directory.</summary>
    /// <param name="Path">Absolute.</param>
    public sealed record Folder(string Path) : StoreLocation
    {
        public override string ToString() => Path;
    }

    /// <summary>Logs, artifacts and the mark of the store in a bucket of an S3 service, under keys with a common beginning.</summary>
    /// <param name="Prefix">Empty, or without a slash at either end.</param>
    public sealed record Bucket(string Name, string Prefix) : StoreLocation
    {
        public override string ToString() => Prefix.Length == 0 ? S3 + Name : $"{S3}{Name}/{Prefix}";
    }

    /// <summary>
    /// Reads the path of a directory, or <c>s3://BUCKET/PREFIX</c>. Throws <see cref="FormatException"/> that says what is wrong, and quotes nothing
    /// that may hold a password.
    /// </summary>
    public static StoreLocation Parse(string text)
    {
        if (text.StartsWith(S3, StringComparison.OrdinalIgnoreCase))
            return ParseBucket(text[S3.Length..]);
        if (text.Contains("://", StringComparison.Ordinal))
            throw new FormatException($"the store '{text[..text.IndexOf("://", StringComparison.Ordinal)]}://…' is of no kind that is known here. Give the path of a directory that every silo reaches, for example /mnt/builds, or s3://BUCKET/PREFIX.");
        if (text.Length == 0 || text.Contains('\0', StringComparison.Ordinal))
            throw new FormatException("the store has no name: give the path of a directory that every silo reaches, for example /mnt/builds, or s3://BUCKET/PREFIX.");
        return new Folder(Path.TrimEndingDirectorySeparator(Path.GetFullPath(text)));
    }

    private static Bucket ParseBucket(string rest)
    {
        if (rest.ContainsAny('@', '?', '#'))
            throw new FormatException("the store s3://… is a bucket and a prefix and nothing else, for example s3://builds/ci: credentials come from the environment or the machine's role, and the service's address from Builds:Store:Endpoint.");
        var (name, prefix) = rest.Split('/', 2) is [var bucket, var path] ? (bucket, path.TrimEnd('/')) : (rest, "");
        if (!BucketName().IsMatch(name))
            throw new FormatException($"the store s3://{rest} has no bucket of that name: '{name}' must be 3 to 63 of a-z, 0-9, '.' and '-', with a letter or digit at both ends, for example s3://builds/ci.");
        if (prefix.Length > MaxPrefix || (prefix.Length > 0 && !PrefixName().IsMatch(prefix)))
            throw new FormatException($"the store s3://{rest} cannot have that prefix: '{prefix}' must be parts of A-Z, a-z, 0-9, '.', '_' and '-' with a letter or digit first, joined by '/', at most {MaxPrefix} in all, for example s3://builds/ci.");
        return new Bucket(name, prefix);
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex BucketName();

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*\\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex PrefixName();
}
