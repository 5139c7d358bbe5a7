using System.CommandLine;
using Builds.Commands.Client;
using Builds.Triggers;

namespace Builds.Commands;

/// <summary><c>builds webhook</c>: what receivers of webhooks need to know.</summary>
internal static class WebhookCommands
{
    private static readonly Option<bool> Pem = new("--pem") { Description = "In the form that openssl reads." };

    public static Command Create() => new("webhook", "Shows what receivers of webhooks need to know.")
    {
        ClientCommands.Make("key", "Shows the public key that webhooks are signed with (Ed25519), in base64.", Key, Pem),
    };

    private static async Task<int> Key(ParseResult line, BuildsClient client, CancellationToken cancellationToken)
    {
        var key = await client.Get<WebhookKeyModel>("/api/webhook-key", cancellationToken);
        await line.InvocationConfiguration.Output.WriteAsync(line.GetValue(Pem) ? key.Pem : key.PublicKey + "\n");
        return ExitCode.Done;
    }
}
