using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Builds.Triggers;

/// <summary>
/// Signed POSTs (contract/manifest section 8). Whatever status comes back, it was delivered; redirects are not followed, as the body is
/// meant for the address that was written down. Nothing of an answer's body is read, and no error repeats the address, which may hold a secret.
/// </summary>
internal sealed class WebhookSender : ITriggerSender, IDisposable
{
    private const string NonceHeader = "X-Payload-Nonce", SignatureHeader = "X-Payload-Signature";

    private readonly IGrainFactory grains;
    private readonly PublicOrigin origin;
    private readonly HttpClient http;

    public WebhookSender(IGrainFactory grains, PublicOrigin origin, GuardedConnections connections)
    {
        (this.grains, this.origin) = (grains, origin);
        // The limit of time is the order's.
        http = new HttpClient(connections.Handler()) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public string Action => "webhook";

    public string Place(TriggerOrder order) => Target(order)?.IdnHost ?? "";

    public async Task<TriggerOutcome> Send(TriggerOrder order, CancellationToken cancellationToken)
    {
        if (Target(order) is not { } target)
            return new TriggerOutcome.Failed("its url is no http or https address with a host", IsFinal: true);
        var body = WebhookBody.Of(order.Subject, origin);
        var signature = await grains.GetGrain<IWebhookKeyGrain>(IWebhookKeyGrain.Key).Sign(body, order.Occasion);
        using var request = Request(target, body, signature);
        try
        {
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return new TriggerOutcome.Delivered((int)answer.StatusCode, Remark(answer.StatusCode));
        }
        catch (HttpRequestException error)
        {
            return Failure(error);
        }
    }

    public void Dispose() => http.Dispose();

    private static Uri? Target(TriggerOrder order) =>
        Uri.TryCreate(order.Setting("url"), UriKind.Absolute, out var url) && url is { Scheme: "http" or "https", Host.Length: > 0 } ? url : null;

    private static HttpRequestMessage Request(Uri target, string body, WebhookSignature signature)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, target) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add(NonceHeader, signature.Nonce);
        request.Headers.Add(SignatureHeader, signature.Signature);
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("builds", ProductVersion.Text));
        if (target.UserInfo.Length > 0)
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(target.UserInfo))));
        return request;
    }

    private static string? Remark(HttpStatusCode status) => status is >= HttpStatusCode.Ambiguous and < HttpStatusCode.BadRequest
        ? "answered with a redirect, which is not followed: give the address that it leads to"
        : null;

    private static TriggerOutcome.Failed Failure(HttpRequestException error) => error switch
    {
        { InnerException: AddressRefusedException refused } => new($"webhooks may not go there: {refused.Message}; an operator can allow it ({TriggerOptions.Section}:AllowedAddresses)", IsFinal: true),
        { InnerException: AuthenticationException } => new("its TLS certificate is not valid, or there is no common form of TLS"),
        { InnerException: SocketException socket } => new(socket.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain ? "its name is not known" : $"no connection: {Words(socket.SocketErrorCode)}"),
        { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => new("its answer has more headers than are read"),
        { HttpRequestError: HttpRequestError.InvalidResponse } => new("its answer is not HTTP"),
        _ => new("the connection broke before an answer came"),
    };

    private static string Words(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => "refused",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "there is no way there",
        SocketError.TimedOut => "nobody answers",
        _ => error.ToString(),
    };
}
