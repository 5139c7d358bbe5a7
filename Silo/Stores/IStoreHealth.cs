namespace Builds.Stores;

/// <summary>The store of logs and artifacts as a whole. Callable from anywhere.</summary>
public interface IStoreHealth
{
    /// <summary>
    /// Who the store is: the same on every silo that uses it, and of no other store. Made at the first call, on disk when this answers. Throws
    /// <see cref="IOException"/> where the store cannot be read or written.
    /// </summary>
    Task<string> StoreId(CancellationToken cancellationToken);

    /// <summary>Null while the store can be reached and written, else what is wrong with it, in one sentence; within a few seconds.</summary>
    Task<string?> Missing(CancellationToken cancellationToken);
}
