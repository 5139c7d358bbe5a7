namespace Builds.Cluster;

/// <summary>
/// Everything that an embedded silo keeps, in one directory that only its owner may enter: a backup is a copy of it.
/// </summary>
public sealed class DataDirectory
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private DataDirectory(string path) => Path = path;

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <summary>Jobs, tokens and all other records.</summary>
    public string Database => At("builds.db");

    public string Logs => At("logs");

    public string Artifacts => At("artifacts");

    /// <summary>What seals the values of secrets, a file for each key: without them no secret can be opened.</summary>
    public string Keys => At("keys");

    /// <summary>The token of <c>~admin</c>, for its owner and the command line.</summary>
    public string AdminToken => At("admin-token");

    /// <summary>Who this worker is, and how often it was started.</summary>
    public string Worker => At("worker.json");

    /// <summary>There in the directory of a member of a cluster; tells it from every other one.</summary>
    public string Member => At("member");

    /// <summary>Room for what must be recorded on a full disk.</summary>
    public string Reserve => At("reserve");

    /// <summary>Locked by the process that uses the directory.</summary>
    public string LockFile => At("lock");

    /// <summary>Which process that is, and where it answers.</summary>
    public string Holder => At("silo.json");

    /// <summary>The directory, created for its owner alone if it is not there. Throws <see cref="DataDirectoryException"/>.</summary>
    public static DataDirectory Create(string path)
    {
        var data = Existing(path);
        try
        {
            Directory.CreateDirectory(data.Path, OwnerOnly);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataDirectoryException($"the data directory {data.Path} cannot be made: {error.Message}", error);
        }

        return data;
    }

    /// <summary>The directory as it is, which may be not at all.</summary>
    public static DataDirectory Existing(string path) => path.Length > 0
        ? new DataDirectory(System.IO.Path.GetFullPath(path))
        : throw new DataDirectoryException("the data directory has no name. Give it one with --data, for example --data ./data.");

    /// <summary>
    /// Takes the directory for this process until the answer is disposed or the process ends. Throws
    /// <see cref="DataDirectoryException"/> if another process has it, naming that one, or if it cannot be written.
    /// </summary>
    public DataLock Lock() => DataLock.Take(this);

    private string At(string name) => System.IO.Path.Combine(Path, name);
}

/// <summary>The data directory cannot be used; the message says why and what to do.</summary>
public sealed class DataDirectoryException(string message, Exception? inner = null) : Exception(message, inner);
