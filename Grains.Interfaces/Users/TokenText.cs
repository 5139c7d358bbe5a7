using System.Security.Cryptography;
using System.Text;

namespace Builds.Users;

/// <summary>The text of opaque tokens, and what is kept of it.</summary>
public static class TokenText
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private const string KeyPrefix = "token-";

    /// <summary>Characters of a token: 44 of 62 are 262 bits.</summary>
    public const int Length = 44;

    /// <summary>How many characters of a token's text are kept, to tell tokens apart.</summary>
    public const int PrefixLength = 8;

    /// <summary>A new token, from the system's source of randomness.</summary>
    public static string Create() => RandomNumberGenerator.GetString(Alphabet, Length);

    /// <summary>The token's id: the lower-case hex SHA-512 of its text.</summary>
    public static string Id(string token) => Convert.ToHexStringLower(SHA512.HashData(Encoding.UTF8.GetBytes(token)));

    /// <summary>Whether a text has the shape of an id.</summary>
    public static bool IsId(string text) => text.Length == 2 * SHA512.HashSizeInBytes && text.All(char.IsAsciiHexDigitLower);

    /// <summary>The first 8 characters, which tell tokens apart in a list.</summary>
    public static string Prefix(string token) => token[..PrefixLength];

    /// <summary>The key of the grain of a token id.</summary>
    public static string GrainKey(string id) => KeyPrefix + id;

    /// <summary>The token id that a grain's key was made of.</summary>
    public static string IdOf(string grainKey) => grainKey[KeyPrefix.Length..];
}
