namespace Builds.Stores.S3;

/// <summary>
/// What the stores need of an S3 service: objects that appear whole or not at all, are listed at once, and can be written on condition that they are not there.
/// Keys are below the store's prefix. Every call throws <see cref="IOException"/> where the service does not do it, with an unknown outcome. Callable from anywhere.
/// </summary>
internal interface IBucket
{
    /// <summary>
    /// Writes an object that must not be there yet. False: something is there, which may be what an earlier try of the same call wrote;
    /// <see cref="Find"/> tells.
    /// </summary>
    /// <param name="writer">Who writes, in 1 to 64 letters and digits: kept with the object.</param>
    Task<bool> PutNew(string key, ReadOnlyMemory<byte> content, string writer, CancellationToken cancellationToken);

    /// <summary>Writes an object, whatever is there.</summary>
    Task Put(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Null if there is no such object.</summary>
    Task<FoundObject?> Find(string key, CancellationToken cancellationToken);

    /// <summary>Fills the buffer from <paramref name="offset"/> on, as far as the object goes; null if there is no such object.</summary>
    Task<int?> Read(string key, long offset, Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>The first thousand or so of the objects whose keys begin so, in order.</summary>
    /// <param name="after">Only keys behind this one.</param>
    Task<ObjectPage> List(string prefix, string? after, CancellationToken cancellationToken);

    /// <summary>The names up to the next slash, without it, of all objects whose keys begin so and have one.</summary>
    /// <param name="prefix">Ends with a slash.</param>
    Task<IReadOnlyList<string>> Folders(string prefix, CancellationToken cancellationToken);

    /// <summary>Deletes at most a thousand objects; those that are not there are as good.</summary>
    Task Delete(IReadOnlyList<string> keys, CancellationToken cancellationToken);

    /// <summary>Begins an object that is written in parts, and appears with <see cref="CompleteUpload"/>.</summary>
    Task<string> BeginUpload(string key, CancellationToken cancellationToken);

    /// <param name="number">From 1 on. A repeat replaces the part.</param>
    /// <param name="content">At least 5 MiB, except for the last part.</param>
    /// <returns>The tag of the part, for <see cref="CompleteUpload"/>.</returns>
    Task<string> PutPart(string key, string upload, int number, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>False if there is no such upload, or not with these parts: it was completed by an earlier try, or is of no use any more.</summary>
    Task<bool> CompleteUpload(string key, string upload, IReadOnlyList<string> parts, CancellationToken cancellationToken);

    /// <summary>Drops what was uploaded. No such upload: no effect.</summary>
    Task AbortUpload(string key, string upload, CancellationToken cancellationToken);
}

/// <param name="Writer">As given to <see cref="IBucket.PutNew"/>; null if nobody was named.</param>
internal readonly record struct FoundObject(long Size, string? Writer);

internal readonly record struct ListedObject(string Key, long Size);

/// <param name="Goes">True: there are more behind the last one.</param>
internal readonly record struct ObjectPage(IReadOnlyList<ListedObject> Objects, bool Goes);
