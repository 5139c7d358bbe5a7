using System.Text.Json;
using Builds.Space;

namespace Builds.Cluster;

/// <summary>
/// One process per data directory. The system drops the lock with the process, however it ends, so that none is ever stale. Who holds it
/// stands in a file of its own, which counts only while somebody does: a locked file cannot be read.
/// </summary>
public sealed class DataLock : IDisposable
{
    private readonly DataDirectory data;
    private readonly FileStream file;

    private DataLock(DataDirectory data, FileStream file) => (this.data, this.file) = (data, file);

    internal static DataLock Take(DataDirectory data)
    {
        try
        {
            var held = new DataLock(data, Open(data, FileMode.OpenOrCreate));
            // Else a disk that is full keeps out the silo that would clean it.
            SpaceReserve.GiveUpIfNeeded(data);
            held.Tell(address: null);
            return held;
        }
        catch (IOException error) when (IsHeld(error))
        {
            throw new DataDirectoryException(
                $"the data directory {data.Path} is in use by {Read(data)}. Stop that one first, or give this one another directory with --data.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataDirectoryException($"the data directory {data.Path} cannot be written: {error.Message} Make it writable for this user, make room there if the disk is full, or choose another one with --data.", error);
        }
    }

    /// <summary>Who holds the directory now; null if nobody does.</summary>
    public static LockHolder? Holder(DataDirectory data)
    {
        try
        {
            using var free = Open(data, FileMode.Open);
            return null;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (IOException error) when (IsHeld(error))
        {
            return Read(data);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataDirectoryException($"the data directory {data.Path} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Tells others where the silo of this directory answers.</summary>
    public void Tell(string? address) => DurableFile.Write(data.Holder, JsonSerializer.Serialize(new LockHolder(Environment.ProcessId, address)));

    public void Dispose() => file.Dispose();

    // FileShare.None is flock(LOCK_EX | LOCK_NB) on Unix.
    private static FileStream Open(DataDirectory data, FileMode mode) => new(data.LockFile, new FileStreamOptions
    {
        Mode = mode,
        Access = FileAccess.ReadWrite,
        Share = FileShare.None,
        UnixCreateMode = mode == FileMode.Open ? null : UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });

    private static bool IsHeld(IOException error) => error.HResult == WouldBlock;

    /// <summary>EWOULDBLOCK of Linux, as .NET hands it on.</summary>
    private const int WouldBlock = 11;

    private static LockHolder Read(DataDirectory data)
    {
        try
        {
            return JsonSerializer.Deserialize<LockHolder>(File.ReadAllText(data.Holder)) ?? LockHolder.Unknown;
        }
        catch (Exception error) when (error is JsonException or FileNotFoundException)
        {
            // Somebody has just taken the lock, and has not said more yet.
            return LockHolder.Unknown;
        }
    }
}

/// <param name="ProcessId">0 if it has not said so yet.</param>
/// <param name="Address">Where it answers HTTP; null if it does not, or not yet.</param>
public sealed record LockHolder(int ProcessId, string? Address)
{
    public static readonly LockHolder Unknown = new(0, null);

    public override string ToString() => (ProcessId, Address) switch
    {
        (0, _) => "another process",
        (_, null) => $"process {ProcessId}",
        _ => $"process {ProcessId}, which serves {Address}",
    };
}
