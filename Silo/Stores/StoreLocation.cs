namespace Builds.Stores;

/// <summary>Where logs and artifacts are kept.</summary>
public abstract record StoreLocation
{
    private StoreLocation()
    {
    }

    /// <summary>Logs, artifacts and the mark of the store below one directory.</summary>
    /// <param name="Path">Absolute.</param>
    public sealed record Folder(string Path) : StoreLocation
    {
        public override string ToString() => Path;
    }

    /// <summary>Reads the path of a directory. Throws <see cref="FormatException"/> that says what is wrong.</summary>
    public static StoreLocation Parse(string text)
    {
        if (text.Contains("://", StringComparison.Ordinal))
            throw new FormatException($"the store '{text}' is no directory: logs and artifacts are kept in files only. Give the path of a directory that every silo reaches, for example /mnt/builds.");
        if (text.Length == 0 || text.Contains('\0', StringComparison.Ordinal))
            throw new FormatException("the store has no name: give the path of a directory that every silo reaches, for example /mnt/builds.");
        return new Folder(Path.TrimEndingDirectorySeparator(Path.GetFullPath(text)));
    }
}
