namespace Builds.Secrets;

/// <summary>
/// One secret of one user, keyed by <see cref="SecretKey.GrainKey"/>. A secret that was shared has a grain for each of its owners. The
/// value is sealed (<see cref="ISecretVault"/>) wherever a grain, the wire or a record has it.
/// </summary>
[Alias("ISecretGrain")]
public interface ISecretGrain : IGrainWithStringKey
{
    /// <summary>Keeps the secret durably. A repeat changes nothing: the owner keeps what he has under that UUID.</summary>
    [Alias("Create")]
    Task<SecretInfo> Create(SecretGrant grant);

    /// <summary>What is known of it; null if there is none.</summary>
    [Alias("Get")]
    Task<SecretInfo?> Get();

    /// <summary>
    /// Gives another user a copy with the same UUID, which lives on by itself. The copy; the one that he has already if he has one; null
    /// if there is no secret to share.
    /// </summary>
    /// <param name="user">Without the tilde; the caller has made sure that there is such a user.</param>
    /// <param name="id">Of the copy, from <see cref="Jobs.IJobIdGrain.Secrets"/>.</param>
    [Alias("Share")]
    Task<SecretInfo?> Share(string user, int id);

    /// <summary>Deletes it, for this owner only. False if there is none, as after a repeat.</summary>
    [Alias("Remove")]
    Task<bool> Remove();

    /// <summary>Seals the value anew, with the newest key. False if there is none. A repeat does it again.</summary>
    [Alias("Reseal")]
    Task<bool> Reseal();
}

/// <summary>Whose secret, and which.</summary>
/// <param name="Owner">Without the tilde.</param>
/// <param name="Uuid">In the form <c>01234567-89ab-cdef-0123-456789abcdef</c>, lower case.</param>
public readonly record struct SecretKey(string Owner, string Uuid)
{
    private const string Prefix = "secret-";

    public string GrainKey => $"{Prefix}{Owner}/{Uuid}";

    public static SecretKey Of(string grainKey)
    {
        ArgumentNullException.ThrowIfNull(grainKey);
        // No name of a user has a slash in it.
        var slash = grainKey.IndexOf('/', StringComparison.Ordinal);
        return new SecretKey(grainKey[Prefix.Length..slash], grainKey[(slash + 1)..]);
    }
}

/// <summary>What a build does with a secret (contract/manifest section 10).</summary>
[GenerateSerializer, Alias("SecretType")]
public enum SecretType
{
    SshKey,
    PgpKey,
    PlaintextFile,
}

/// <summary>A secret that is to be kept.</summary>
/// <param name="Id">From <see cref="Jobs.IJobIdGrain.Secrets"/>: the order of lists, and where their pages begin.</param>
/// <param name="Path">Of a file; null for keys.</param>
/// <param name="Mode">Of a file: the permission bits. 0 for keys.</param>
/// <param name="FromUser">Who shared it, without the tilde; null for the owner's own.</param>
/// <param name="Sealed">The value, as the vault sealed it for this owner and UUID.</param>
[GenerateSerializer, Immutable, Alias("SecretGrant")]
public sealed record SecretGrant(
    [property: Id(0)] int Id,
    [property: Id(1)] SecretType Type,
    [property: Id(2)] string? Name,
    [property: Id(3)] string? Path,
    [property: Id(4)] int Mode,
    [property: Id(5)] string? FromUser,
    [property: Id(6)] string Sealed)
{
    // A record prints its parts; this one must not.
    public override string ToString() => $"secret {Id} to be kept";
}

/// <summary>What anybody is told of a secret: everything but its value.</summary>
/// <inheritdoc cref="SecretGrant"/>
[GenerateSerializer, Immutable, Alias("SecretInfo")]
public sealed record SecretInfo(
    [property: Id(0)] int Id,
    [property: Id(1)] string Owner,
    [property: Id(2)] string Uuid,
    [property: Id(3)] SecretType Type,
    [property: Id(4)] string? Name,
    [property: Id(5)] string? Path,
    [property: Id(6)] int Mode,
    [property: Id(7)] string? FromUser,
    [property: Id(8)] DateTimeOffset Created);
