using System.Collections.Immutable;
using System.Text;
using Builds.Manifests;

namespace Builds.Secrets;

/// <summary>A secret as its owner gives it, which is good.</summary>
/// <param name="Value">As builds get it: lines end in LF.</param>
/// <inheritdoc cref="SecretGrant"/>
public sealed record NewSecret(SecretType Type, string? Name, string Value, string? Path, int Mode)
{
    // A record prints its parts; this one must not.
    public override string ToString() => $"a new {Type.Word()}";
}

/// <summary>What may be a secret (contract/manifest section 10). Pure: every door asks here, and says the same.</summary>
public static class SecretRules
{
    /// <summary>Bytes of a value.</summary>
    public const int MaxBytes = 16384;

    /// <summary>Secrets of one user.</summary>
    public const int MostPerOwner = 500;

    private const int MaxPath = 1024;

    /// <summary>The secret, or null and what is wrong: for each mistake the field that is meant, and a sentence that never shows the value.</summary>
    public static (NewSecret? Secret, ImmutableArray<(string Field, string Reason)> Mistakes) Read(string? type, string? name, string? value, string? path, string? mode)
    {
        var mistakes = ImmutableArray.CreateBuilder<(string, string)>();
        void Check(string field, string? mistake)
        {
            if (mistake is not null)
                mistakes.Add((field, mistake));
        }

        var kind = type is null ? null : SecretText.Type(type);
        Check("type", string.IsNullOrEmpty(type) ? "type is required" : kind is null ? $"type must be ssh_key, pgp_key or plaintext_file, not '{ManifestErrors.Shorten(type)}'" : null);
        Check("name", name is null ? null : NameMistake(name));
        var isFile = kind == SecretType.PlaintextFile;
        Check("path", isFile ? PathMistake(path) : path is not null && kind is not null ? "path is for plaintext_file only" : null);
        Check("mode", isFile ? ModeMistake(mode) : mode is not null && kind is not null ? "mode is for plaintext_file only" : null);
        var text = kind is { } known && value is not null ? Normal(known, value) : value;
        Check("value", ValueMistake(kind, text));
        return mistakes.Count > 0
            ? (null, mistakes.ToImmutable())
            : (new NewSecret(kind!.Value, name, text!, path, mode is null ? 0 : SecretText.Mode(mode)!.Value), []);
    }

    private static string? NameMistake(string name)
    {
        if (ManifestRules.CheckSecret(name) is not null)
            return "name must have more than 3 and less than 512 bytes";
        if (SecretText.Uuid(name) is not null)
            return "name must not look like a UUID, by which another secret could be meant";
        // It becomes the name of a file.
        return name.Any(letter => letter == '/' || char.IsControl(letter)) ? "name must not have a slash or a control character in it" : null;
    }

    private static string? PathMistake(string? path)
    {
        if (string.IsNullOrEmpty(path))
            return "path is required for plaintext_file: where the file goes, for example ~/.netrc";
        if (Encoding.UTF8.GetByteCount(path) > MaxPath || path.Any(char.IsControl))
            return $"path must have at most {MaxPath} bytes and no control characters";
        if (path.StartsWith('~') && !path.StartsWith("~/", StringComparison.Ordinal))
            return "path may begin with ~/, the home of the build, but with nobody else's home";
        return path.Split('/')[^1] is "" or "." or ".." ? "path must end in the name of a file" : null;
    }

    private static string? ModeMistake(string? mode)
    {
        const int Readable = 0x1ff;
        if (string.IsNullOrEmpty(mode))
            return "mode is required for plaintext_file, in octal, for example 600";
        return SecretText.Mode(mode) is null or > Readable ? "mode must be permissions in octal, 000 to 777, for example 600" : null;
    }

    private static string Normal(SecretType type, string value)
    {
        var text = value.Replace("\r\n", "\n", StringComparison.Ordinal);
        return type == SecretType.PgpKey || text.Length == 0 || text.EndsWith('\n') ? text : text + "\n";
    }

    private static string? ValueMistake(SecretType? type, string? value)
    {
        if (string.IsNullOrEmpty(value))
            return "value is required";
        if (Encoding.UTF8.GetByteCount(value) > MaxBytes)
            return $"value must have at most {MaxBytes} bytes";
        if (value.Contains('\0', StringComparison.Ordinal))
            return "value must not have a NUL in it";
        return type switch
        {
            SecretType.SshKey when !IsArmoured(value, label => label.EndsWith("PRIVATE KEY", StringComparison.Ordinal)) =>
                "value is no private SSH key: it begins with a line like '-----BEGIN OPENSSH PRIVATE KEY-----' and ends with the END line to it",
            SecretType.PgpKey when !IsArmoured(value, label => label is "PGP PRIVATE KEY BLOCK" or "PGP PUBLIC KEY BLOCK") =>
                "value is no PGP key in ASCII armour: it begins with the line '-----BEGIN PGP PRIVATE KEY BLOCK-----' and ends with the END line to it (gpg --armor --export-secret-keys)",
            _ => null,
        };
    }

    /// <summary>One or more blocks between a BEGIN and the END line to it, with something inside, and nothing around them.</summary>
    private static bool IsArmoured(string value, Func<string, bool> isMeant)
    {
        const string Begin = "-----BEGIN ", End = "-----END ", Dashes = "-----";
        string? open = null;
        var (inside, blocks) = (0, 0);
        foreach (var line in value.Split('\n').Select(line => line.TrimEnd()))
        {
            if (open is null && line.Length == 0)
                continue;
            if (open is null)
            {
                if (!line.StartsWith(Begin, StringComparison.Ordinal) || !line.EndsWith(Dashes, StringComparison.Ordinal) || line.Length < Begin.Length + Dashes.Length)
                    return false;
                (open, inside) = (line[Begin.Length..^Dashes.Length], 0);
                if (!isMeant(open))
                    return false;
            }
            else if (line == $"{End}{open}{Dashes}")
            {
                if (inside == 0)
                    return false;
                (open, blocks) = (null, blocks + 1);
            }
            else
            {
                inside += line.Length;
            }
        }

        return open is null && blocks > 0;
    }
}
