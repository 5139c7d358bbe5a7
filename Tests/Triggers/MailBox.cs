using System.Buffers;
using System.Collections.Concurrent;
using Builds.Support;
using MimeKit;
using SmtpServer;
using SmtpServer.ComponentModel;
using SmtpServer.Mail;
using SmtpServer.Protocol;
using SmtpServer.Storage;

namespace Builds.Tests.Triggers;

/// <summary>A real mail server on a port of this machine.</summary>
internal sealed class MailBox : IAsyncDisposable
{
    private readonly CancellationTokenSource ending = new();
    private readonly Task running;

    public MailBox()
    {
        var services = new ServiceProvider();
        services.Add(new Store(this));
        services.Add(new Filter());
        running = new SmtpServer.SmtpServer(new SmtpServerOptionsBuilder().ServerName("mail.test").Port(Port).Build(), services).StartAsync(ending.Token);
    }

    public int Port { get; } = Ports.Free();

    public ConcurrentQueue<Mail> Received { get; } = [];

    /// <summary>How it answers to the next mails.</summary>
    public ConcurrentQueue<SmtpResponse> Answers { get; } = [];

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ending.Dispose();
    }

    /// <param name="To">Whom the envelope names.</param>
    public sealed record Mail(string From, IReadOnlyList<string> To, MimeMessage Message);

    private sealed class Store(MailBox box) : MessageStore
    {
        public override async Task<SmtpResponse> SaveAsync(ISessionContext context, IMessageTransaction transaction, ReadOnlySequence<byte> buffer, CancellationToken cancellationToken)
        {
            if (box.Answers.TryDequeue(out var answer))
                return answer;
            using var bytes = new MemoryStream(buffer.ToArray());
            box.Received.Enqueue(new Mail(transaction.From.AsAddress(), [.. transaction.To.Select(to => to.AsAddress())], await MimeMessage.LoadAsync(bytes, cancellationToken)));
            return SmtpResponse.Ok;
        }
    }

    /// <summary>Nobody here is called nobody.</summary>
    private sealed class Filter : MailboxFilter
    {
        public override Task<bool> CanDeliverToAsync(ISessionContext context, IMailbox to, IMailbox from, CancellationToken cancellationToken) => Task.FromResult(to.User != "nobody");
    }
}
