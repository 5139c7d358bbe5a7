namespace Builds.Storage;

/// <summary>The name of the storage provider that holds every grain's state.</summary>
public static class StorageNames
{
    public const string Provider = "builds";
}
