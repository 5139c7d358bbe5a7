namespace Builds.Secrets;

/// <summary>
/// Seals the values of secrets and opens them again, on any silo of the cluster. What was sealed for one owner and UUID opens for no other.
/// </summary>
public interface ISecretVault
{
    /// <summary>Seals a value with the newest key there is. Throws what the store of keys throws when it cannot be reached.</summary>
    Task<string> Seal(SecretKey secret, string value);

    /// <summary>
    /// The value. Throws <see cref="SecretSealedException"/> if it was sealed for another secret, or with a key that no silo has any more.
    /// </summary>
    Task<string> Open(SecretKey secret, string @sealed);

    /// <summary>Makes a key that everything is sealed with from now on, durably. What was sealed before still opens.</summary>
    Task NewKey();
}

/// <summary>The value of a secret cannot be opened; the message says which one and why, and never what.</summary>
public sealed class SecretSealedException(SecretKey secret, Exception cause)
    : Exception($"secret {secret.Uuid} of {secret.Owner} cannot be opened: it was sealed for another one, or the key that sealed it is not among the keys of this service", cause);
