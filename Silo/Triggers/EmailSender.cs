using System.Net.Sockets;
using Builds.Workers;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;
using MimeKit.Utils;

namespace Builds.Triggers;

/// <summary>E-mails through the operator's mail server, a connection each. Its word on a recipient is final; silence is not.</summary>
internal sealed class EmailSender(IGrainFactory grains, JobAddress address, IOptions<SmtpOptions> options) : ITriggerSender
{
    private const string NoServer = $"this service has no mail server: an operator has to set {SmtpOptions.Section}:Host";

    public string Action => "email";

    public string Place(TriggerOrder order) => "the mail server";

    public async Task<TriggerOutcome> Send(TriggerOrder order, CancellationToken cancellationToken)
    {
        if (options.Value is not { Host: { Length: > 0 } host, From: { } from })
            return new TriggerOutcome.Failed(NoServer, IsFinal: true);
        if (Read(order, out var to, out var cc) is { } mistake)
            return new TriggerOutcome.Failed(mistake, IsFinal: true);
        using var message = new MimeMessage(
            [MailboxAddress.Parse(from)], to, EmailText.Subject(order.Subject), new TextPart("plain") { Text = EmailText.Body(order.Subject, address) });
        message.Cc.AddRange(cc);
        message.Date = order.Subject.Ended;
        // The same for each try, so that mail programs show one.
        message.MessageId = await MessageId(order, MailboxAddress.Parse(from).Domain);
        message.Headers.Add("Auto-Submitted", "auto-generated");
        if (order.Setting("in_reply_to") is { } known)
        {
            if (MimeUtils.EnumerateReferences(known).FirstOrDefault() is not { Length: > 0 } parent)
                return new TriggerOutcome.Failed("its in_reply_to is no message id", IsFinal: true);
            message.InReplyTo = parent;
            message.References.Add(parent);
        }

        return await Send(message, host, cancellationToken);
    }

    private string? Read(TriggerOrder order, out InternetAddressList to, out InternetAddressList cc)
    {
        (to, cc) = ([], []);
        if (order.Setting("to") is not { } first)
            return "it has no 'to'";
        if (!IsList(first, out to))
            return "its 'to' is no list of mail addresses";
        if (order.Setting("cc") is { } second && !IsList(second, out cc))
            return "its 'cc' is no list of mail addresses";
        var count = to.Mailboxes.Count() + cc.Mailboxes.Count();
        return count > options.Value.MaxRecipients ? $"it has {count} recipients, and may have {options.Value.MaxRecipients}" : null;
    }

    /// <summary>Something stands there, and all of it can be written as one line of a header and of the protocol.</summary>
    private static bool IsList(string text, out InternetAddressList list)
    {
        list = [];
        if (text.Any(char.IsControl) || !InternetAddressList.TryParse(text, out var parsed) || !parsed.Mailboxes.Any())
            return false;
        list = parsed;
        return parsed.Mailboxes.All(mailbox => mailbox.Address.Contains('@') && !mailbox.Address.Any(letter => char.IsControl(letter) || letter is ' ' or '<' or '>'));
    }

    private async Task<string> MessageId(TriggerOrder order, string domain)
    {
        var nonce = (await grains.GetGrain<IWebhookKeyGrain>(IWebhookKeyGrain.Key).Sign("", order.Occasion)).Nonce;
        return $"{nonce}@{domain}";
    }

    private async Task<TriggerOutcome> Send(MimeMessage message, string host, CancellationToken cancellationToken)
    {
        // What revokes certificates is elsewhere, and a mail server inside a network may reach none of it.
        using var client = new SmtpClient { CheckCertificateRevocation = false };
        try
        {
            await client.ConnectAsync(host, options.Value.Port, Security(options.Value.Tls), cancellationToken);
            if (options.Value is { User: { Length: > 0 } user, Password: { } password })
                await client.AuthenticateAsync(user, password, cancellationToken);
            await client.SendAsync(message, cancellationToken);
        }
        catch (Exception error) when (Failure(error) is { } failure)
        {
            return failure;
        }

        await Leave(client, cancellationToken);
        return new TriggerOutcome.Delivered();
    }

    /// <summary>The mail is the server's by now, whatever becomes of the farewell.</summary>
    private static async Task Leave(SmtpClient client, CancellationToken cancellationToken)
    {
        try
        {
            await client.DisconnectAsync(quit: true, cancellationToken);
        }
        catch (Exception error) when (Failure(error) is not null || error is OperationCanceledException)
        {
            // Disposing of it closes the connection too.
        }
    }

    private static TriggerOutcome.Failed? Failure(Exception error) => error switch
    {
        SmtpCommandException { ErrorCode: SmtpErrorCode.RecipientNotAccepted } refused => new($"the mail server does not take it for one of its recipients ({(int)refused.StatusCode})", IsForGood(refused)),
        SmtpCommandException refused => new($"the mail server does not take it ({(int)refused.StatusCode})", IsForGood(refused)),
        SmtpProtocolException or ServiceNotConnectedException => new("the connection to the mail server broke"),
        AuthenticationException or ServiceNotAuthenticatedException => new("the mail server does not let this service in"),
        SslHandshakeException => new("no TLS with the mail server: its certificate is not valid, or it speaks none"),
        NotSupportedException => new("the mail server does not offer what the settings ask for: TLS, or a way to log in"),
        SocketException or IOException => new("no connection to the mail server"),
        _ => null,
    };

    /// <summary>5yz: do not try again (RFC 5321, section 4.2.1).</summary>
    private static bool IsForGood(SmtpCommandException refused) => (int)refused.StatusCode >= 500;

    private static SecureSocketOptions Security(SmtpTls tls) => tls switch
    {
        SmtpTls.StartTls => SecureSocketOptions.StartTls,
        SmtpTls.Implicit => SecureSocketOptions.SslOnConnect,
        SmtpTls.None => SecureSocketOptions.None,
    };
}
