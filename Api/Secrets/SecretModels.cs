namespace Builds.Secrets;

/// <summary>What is known of a secret; its value goes in, and never out.</summary>
/// <param name="Uuid">By which manifests name it, besides its name. A copy that was shared has that of the original.</param>
/// <param name="Type"><c>ssh_key</c>, <c>pgp_key</c> or <c>plaintext_file</c>.</param>
/// <param name="FromUser">Who shared it, with the tilde; null for your own.</param>
/// <param name="Path">Of a file: where builds find it.</param>
/// <param name="Mode">Of a file: its permissions, octal.</param>
public sealed record SecretModel(int Id, string Created, string Uuid, string Type, string? Name, string? FromUser, string? Path, string? Mode)
{
    public static SecretModel From(SecretInfo secret) => new(
        secret.Id,
        ApiTime.Text(secret.Created),
        secret.Uuid,
        secret.Type.Word(),
        secret.Name,
        secret.FromUser is null ? null : "~" + secret.FromUser,
        secret.Path,
        secret.Path is null ? null : SecretText.Mode(secret.Mode));
}

/// <param name="Secrets">How many were sealed with the new key.</param>
public sealed record SecretKeysModel(int Secrets);
