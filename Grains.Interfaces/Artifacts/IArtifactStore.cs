using Builds.Jobs;

namespace Builds.Artifacts;

/// <summary>A file that a successful job left behind; immutable (contract/manifest section 9).</summary>
/// <param name="Number">1 to n within its job, in manifest order.</param>
/// <param name="Path">As the manifest has it.</param>
/// <param name="Name">The last component of the path.</param>
/// <param name="Key">16 lower-case hex digits that make the address hard to guess.</param>
/// <param name="Size">In bytes, at most 1 GiB.</param>
/// <param name="Sha256">Of the content, 64 lower-case hex digits.</param>
[GenerateSerializer, Immutable, Alias("Artifact")]
public sealed record Artifact(
    [property: Id(0)] int Number,
    [property: Id(1)] string Path,
    [property: Id(2)] string Name,
    [property: Id(3)] string Key,
    [property: Id(4)] long Size,
    [property: Id(5)] string Sha256,
    [property: Id(6)] DateTimeOffset Created);

/// <summary>Keeps artifact bytes, per attempt. Callable from anywhere.</summary>
public interface IArtifactStore
{
    /// <summary>
    /// Stores a file whole and durably before it answers, or not at all. More than <see cref="MaxSize"/> bytes:
    /// <see cref="ArtifactTooLargeException"/>.
    /// </summary>
    Task<Artifact> Store(JobId job, int attempt, int number, string path, Stream content, CancellationToken cancellationToken);

    /// <summary>The bytes, seekable, or null if they are not (any longer) there. The caller disposes.</summary>
    Task<Stream?> Open(JobId job, string key, string name, CancellationToken cancellationToken);

    /// <summary>
    /// An address under which a caller gets the bytes from the store itself, for some minutes, whether or not they are (still) there; null where the silo passes them on.
    /// Whoever has it may read: the caller has asked whether this one may.
    /// </summary>
    Task<Uri?> Link(JobId job, string key, string name, CancellationToken cancellationToken) => Task.FromResult<Uri?>(null);

    /// <summary>
    /// Deletes all that was ever stored for a job whose record says that it is gone. Nothing there: no effect. Throws
    /// <see cref="IOException"/> if something is left, to be called again.
    /// </summary>
    Task Delete(JobId job, CancellationToken cancellationToken);

    /// <summary>1 GiB.</summary>
    const long MaxSize = 1L << 30;
}

public sealed class ArtifactTooLargeException(string message) : Exception(message);
