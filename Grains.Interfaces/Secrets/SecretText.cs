using System.Diagnostics;

namespace Builds.Secrets;

/// <summary>How secrets are named.</summary>
public static class SecretText
{
    private const string Urn = "urn:uuid:";

    /// <summary>The type as the contract has it.</summary>
    public static string Word(this SecretType type) => type switch
    {
        SecretType.SshKey => "ssh_key",
        SecretType.PgpKey => "pgp_key",
        SecretType.PlaintextFile => "plaintext_file",
        _ => throw new UnreachableException(),
    };

    /// <summary>Null if no type has that word.</summary>
    public static SecretType? Type(string word) => Enum.GetValues<SecretType>().Cast<SecretType?>().FirstOrDefault(type => type!.Value.Word() == word);

    /// <summary>The one form of a UUID, of any of those that manifests may have: plain, without dashes, in braces, or as a URN. Null if it is none.</summary>
    public static string? Uuid(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var bare = text.StartsWith(Urn, StringComparison.OrdinalIgnoreCase) ? text[Urn.Length..] : text;
        return Guid.TryParseExact(bare, "D", out var uuid) || Guid.TryParseExact(bare, "N", out uuid) || Guid.TryParseExact(bare, "B", out uuid)
            ? uuid.ToString("D")
            : null;
    }

    /// <summary>The permission bits as people write them, for example <c>600</c>.</summary>
    public static string Mode(int mode) => Convert.ToString(mode, 8).PadLeft(3, '0');

    /// <summary>The permission bits; null if the text is no octal number of up to four digits.</summary>
    public static int? Mode(string text) =>
        text.Length is > 0 and <= 4 && text.All(digit => digit is >= '0' and <= '7') ? Convert.ToInt32(text, 8) : null;
}
