using System.Collections.Concurrent;
using System.Net;
using Builds.Stores;
using Builds.Stores.S3;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Builds.Tests.Stores.S3;

/// <summary>What the door does with a request.</summary>
internal enum Passage
{
    Through,
    /// <summary>The connection ends at once, and the server hears nothing.</summary>
    Cut,
    /// <summary>The server hears nothing, and the caller gets no answer until it leaves.</summary>
    Hangs,
    /// <summary>503, as a service does that has too much to do.</summary>
    SlowDown,
    /// <summary>The server does it, and the connection ends before the answer.</summary>
    AnswerLost,
}

/// <summary>
/// The way to <see cref="S3Server"/>. It adds what a real service has and the server has not: <c>If-None-Match: *</c> holds, for one request at a time goes through; an object that is
/// written is whole when its writer gets the answer; uploads can be aborted, and unknown ones are refused. And it fails as it is told to.
/// </summary>
internal sealed class S3Door : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly HttpMessageInvoker Http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        // The server ends connections that are idle for five seconds.
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(1),
    });
    private static readonly SemaphoreSlim Turn = new(1);
    private static int places;

    private readonly WebApplication app;
    private readonly S3Server server;
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, long>> uploads = new();
    private readonly CancellationTokenSource closing = new();
    private readonly List<S3Bucket> buckets = [];

    private S3Door(WebApplication app, S3Server server)
    {
        (this.app, this.server) = (app, server);
        app.Run(Pass);
    }

    /// <summary>Asked for each request.</summary>
    public Func<HttpRequest, Passage> Keeper { get; set; } = _ => Passage.Through;

    /// <summary>False: conditions are ignored, as the server itself does.</summary>
    public bool KnowsConditions { get; set; } = true;

    /// <summary>Each request that came, as METHOD PATH?QUERY.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>Where it listens.</summary>
    public Uri Address => new(app.Urls.First());

    public StoreOptions Options => new() { Endpoint = Address.GetLeftPart(UriPartial.Authority), ForcePathStyle = true };

    public static async Task<S3Door> Open()
    {
        var shared = await S3Server.Shared();
        shared.Runs.ShouldBeTrue("s3rver has ended");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var door = new S3Door(builder.Build(), shared);
        await door.app.StartAsync();
        return door;
    }

    /// <summary>A place that nobody else uses.</summary>
    public static StoreLocation.Bucket Place() => new(S3Server.Bucket, $"t{Interlocked.Increment(ref places)}");

    /// <summary>It goes with the door.</summary>
    public S3Bucket Bucket(StoreLocation.Bucket place, TimeProvider? clock = null, StoreOptions? options = null)
    {
        var bucket = new S3Bucket(place, options ?? Options, clock ?? TimeProvider.System);
        buckets.Add(bucket);
        return bucket;
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        foreach (var bucket in buckets)
            bucket.Dispose();
        await app.DisposeAsync();
        closing.Dispose();
    }

    private async Task Pass(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        Requests.Enqueue($"{context.Request.Method} {target}");
        var body = await Body(context.Request);
        var passage = Keeper(context.Request);
        if (passage == Passage.Hangs)
            await Forever(context);
        if (passage is Passage.Cut or Passage.Hangs)
        {
            context.Abort();
            return;
        }

        if (passage == Passage.SlowDown)
        {
            await Refuse(context, StatusCodes.Status503ServiceUnavailable, "SlowDown");
            return;
        }

        await Turn.WaitAsync();
        try
        {
            await Answer(context, target, body, passage == Passage.AnswerLost);
        }
        catch (Exception error) when (!context.Response.HasStarted)
        {
            await Refuse(context, StatusCodes.Status500InternalServerError, $"TheTestsDoorBroke: {error.GetType().Name} {error.Message}");
        }
        finally
        {
            Turn.Release();
        }
    }

    private async Task Answer(HttpContext context, string target, byte[] body, bool isLost)
    {
        var upload = context.Request.Query["uploadId"].ToString();
        if (KnowsConditions && HttpMethods.IsPut(context.Request.Method) && context.Request.Headers.IfNoneMatch == "*" && await Size(context) is not null)
        {
            await Refuse(context, StatusCodes.Status412PreconditionFailed, "PreconditionFailed");
            return;
        }

        if (upload.Length > 0 && !uploads.ContainsKey(upload))
        {
            await Refuse(context, StatusCodes.Status404NotFound, "NoSuchUpload");
            return;
        }

        if (HttpMethods.IsDelete(context.Request.Method) && uploads.TryRemove(upload, out _))
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        using var answer = await Send(new HttpMethod(context.Request.Method), target, context.Request, body);
        var content = await answer.Content.ReadAsByteArrayAsync();
        if (answer.IsSuccessStatusCode)
            await Settle(context, body, upload, content);
        if (isLost)
        {
            context.Abort();
            return;
        }

        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers).Where(header => header.Key is not ("Transfer-Encoding" or "Connection" or "Keep-Alive")))
            context.Response.Headers[name] = values.ToArray();
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(content);
    }

    /// <summary>The server answers before what it wrote is there as a whole.</summary>
    private async Task Settle(HttpContext context, byte[] body, string upload, byte[] content)
    {
        var isUpload = upload.Length > 0;
        if (HttpMethods.IsPost(context.Request.Method) && context.Request.Query.ContainsKey("uploads"))
        {
            var text = System.Text.Encoding.UTF8.GetString(content);
            uploads[text.Split("<UploadId>")[1].Split('<')[0]] = new ConcurrentDictionary<string, long>();
        }
        else if (HttpMethods.IsPut(context.Request.Method) && isUpload)
        {
            uploads[upload][context.Request.Query["partNumber"].ToString()] = body.Length;
        }
        else if (HttpMethods.IsPut(context.Request.Method))
        {
            await UntilSize(context, body.Length);
        }
        else if (HttpMethods.IsPost(context.Request.Method) && isUpload && uploads.TryRemove(upload, out var parts))
        {
            await UntilSize(context, parts.Values.Sum());
        }
    }

    private async Task UntilSize(HttpContext context, long size)
    {
        using var bound = new CancellationTokenSource(Bound);
        while (await Size(context) != size)
            await Task.Delay(TimeSpan.FromMilliseconds(2), bound.Token);
    }

    private async Task<long?> Size(HttpContext context)
    {
        using var answer = await Send(HttpMethod.Head, context.Request.Path.ToUriComponent(), null, []);
        return answer.StatusCode == HttpStatusCode.NotFound ? null : answer.Content.Headers.ContentLength;
    }

    private async Task<HttpResponseMessage> Send(HttpMethod method, string target, HttpRequest? like, byte[] body)
    {
        using var request = new HttpRequestMessage(method, new Uri(server.Address, target));
        if (like is not null)
        {
            request.Content = body.Length > 0 || HttpMethods.IsPut(like.Method) ? new ByteArrayContent(body) : null;
            foreach (var (name, values) in like.Headers.Where(header => header.Key is not ("Content-Length" or "Expect" or "Connection" or "If-None-Match")))
            {
                if (!request.Headers.TryAddWithoutValidation(name, values.ToArray()))
                    request.Content?.Headers.TryAddWithoutValidation(name, values.ToArray());
            }
        }

        return await Http.SendAsync(request, closing.Token);
    }

    private async Task Forever(HttpContext context)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, closing.Token);
        var left = new TaskCompletionSource();
        await using var registration = end.Token.Register(() => left.TrySetResult());
        await left.Task;
    }

    private static async Task<byte[]> Body(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    private static async Task Refuse(HttpContext context, int status, string code)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/xml";
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.WriteAsync($"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>The test says so.</Message></Error>");
    }
}
