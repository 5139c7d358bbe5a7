namespace Builds.Secrets;

/// <summary>
/// The stored record of a secret; whose it is and which is its key. Replaced whole, never changed in place. No property may be called as
/// a column of another type is (Sql, WriteToStorageKey.sql): so the UUID is not the id.
/// </summary>
public sealed record SecretState
{
    public int Schema { get; init; } = 1;
    public int Id { get; init; }
    /// <summary>Without the tilde; empty if there is no such secret.</summary>
    public string Owner { get; init; } = "";
    public SecretType Type { get; init; }
    public string? Name { get; init; }
    /// <summary>Of a file.</summary>
    public string? Path { get; init; }
    /// <summary>Permission bits of a file.</summary>
    public int Mode { get; init; }
    public string? FromUser { get; init; }
    public DateTimeOffset Created { get; init; }
    /// <summary>The value as the vault sealed it: there is no other one.</summary>
    public string Sealed { get; init; } = "";

    public bool Exists() => Owner.Length > 0;

    /// <param name="grainKey">Under which it is stored.</param>
    public SecretInfo ToInfo(string grainKey) => new(Id, Owner, SecretKey.Of(grainKey).Uuid, Type, Name, Path, Mode, FromUser, Created);

    // A record prints its parts; this one must not.
    public override string ToString() => $"record of secret {Id} of {Owner}";
}
