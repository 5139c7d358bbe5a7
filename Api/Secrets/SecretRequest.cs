using Builds.Requests;

namespace Builds.Secrets;

/// <summary>Reads what POST /api/secrets sends; the rules are <see cref="SecretRules"/>.</summary>
internal static class SecretRequest
{
    /// <summary>Null when <paramref name="fields"/> has collected mistakes.</summary>
    public static NewSecret? Read(RequestFields fields)
    {
        var (type, name, value, path, mode) = (fields.Text("type"), fields.Text("name"), fields.Text("value"), fields.Text("path"), fields.Text("mode"));
        if (!fields.IsValid)
            return null;
        var (secret, mistakes) = SecretRules.Read(type, name, value, path, mode);
        foreach (var (field, reason) in mistakes)
            fields.Refuse(field, reason);
        return secret;
    }
}
