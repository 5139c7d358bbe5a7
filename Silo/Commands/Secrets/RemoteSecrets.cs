using System.Collections.Immutable;
using Builds.Commands.Client;
using Builds.Requests;
using Builds.Secrets;

namespace Builds.Commands.Secrets;

/// <summary>Secrets through the server that runs: those of the token's user.</summary>
internal sealed class RemoteSecrets(BuildsClient client) : ISecrets
{
    public async Task<string> Add(string type, string? name, string value, string? path, string? mode, CancellationToken cancellationToken) =>
        (await client.Post<SecretModel>("/api/secrets", new { type, name, value, path, mode }, cancellationToken)).Uuid;

    public async Task<ImmutableArray<SecretModel>> List(CancellationToken cancellationToken)
    {
        var all = ImmutableArray.CreateBuilder<SecretModel>();
        for (var (start, more) = ("-1", true); more;)
        {
            var page = await client.Get<Page<SecretModel>>($"/api/secrets?start={start}", cancellationToken);
            all.AddRange(page.Results);
            (start, more) = (page.Next ?? "", page.Next is not null);
        }

        return all.ToImmutable();
    }

    public async Task Share(string uuid, string user, CancellationToken cancellationToken) =>
        await client.Post<SecretModel>($"/api/secrets/{uuid}/share", new { user }, cancellationToken);

    public Task Remove(string uuid, CancellationToken cancellationToken) =>
        client.Send(HttpMethod.Delete, $"/api/secrets/{uuid}", content: null, cancellationToken);

    public async Task<int> RotateKeys(CancellationToken cancellationToken) =>
        (await client.Post<SecretKeysModel>("/api/secrets/rotate-keys", new { }, cancellationToken)).Secrets;
}
