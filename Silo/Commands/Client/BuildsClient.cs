using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Builds.Jobs;
using Builds.Requests;

namespace Builds.Commands.Client;

/// <summary>
/// A server's REST interface, as the commands need it. Whatever goes wrong becomes one <see cref="CommandException"/> that names the server.
/// </summary>
internal sealed class BuildsClient : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        // A key that is there has a value (contract/rest section 6).
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly HttpClient http;
    private readonly Uri server;

    public BuildsClient(Uri server, string token)
    {
        this.server = server;
        http = new HttpClient { BaseAddress = server, Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public Task<JobModel> Job(int id, CancellationToken cancellationToken) => Get<JobModel>($"/api/jobs/{id}", cancellationToken, Named(id));

    public Task<Page<JobModel>> Jobs(CancellationToken cancellationToken) => Get<Page<JobModel>>("/api/jobs", cancellationToken);

    public Task<Page<ArtifactModel>> Artifacts(int id, CancellationToken cancellationToken) =>
        Get<Page<ArtifactModel>>($"/api/jobs/{id}/artifacts", cancellationToken, Named(id));

    /// <summary>Submits once: the key lets the server tell a repeat from a second job.</summary>
    public async Task<JobModel> Submit(
        string manifest, string? note, IReadOnlyList<string> tags, int priority, string pool, IReadOnlyList<string> labels, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/jobs");
        request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
        request.Content = JsonContent.Create(new { manifest, note, tags, priority, pool, labels, execute = true }, options: Json);
        return await Read<JobModel>(request, cancellationToken);
    }

    public Task<JobTimelineModel> Timeline(int id, CancellationToken cancellationToken) =>
        Get<JobTimelineModel>($"/api/jobs/{id}/timeline", cancellationToken, Named(id));

    public Task Cancel(int id, CancellationToken cancellationToken) => Send(HttpMethod.Post, $"/api/jobs/{id}/cancel", content: null, cancellationToken, Named(id));

    /// <param name="what">What is not there when the answer is 404; null: the server says it.</param>
    public Task<T> Get<T>(string path, CancellationToken cancellationToken, string? what = null) =>
        Read<T>(new HttpRequestMessage(HttpMethod.Get, path), cancellationToken, what);

    public Task<T> Post<T>(string path, object body, CancellationToken cancellationToken) =>
        Read<T>(new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body, body.GetType(), options: Json) }, cancellationToken);

    public async Task Send(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken, string? what = null)
    {
        using var answer = await Answer(new HttpRequestMessage(method, path) { Content = content }, cancellationToken);
        await Expect(answer, cancellationToken, what);
    }

    /// <summary>Whether there is a log at an address that the server gave.</summary>
    public async Task<bool> HasLog(string log, CancellationToken cancellationToken)
    {
        using var answer = await Answer(new HttpRequestMessage(HttpMethod.Head, OnServer(log)), cancellationToken);
        return answer.IsSuccessStatusCode;
    }

    /// <summary>Copies a log from an offset on; answers how many bytes that were.</summary>
    public async Task<long> CopyLog(string log, long offset, Stream output, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, OnServer(log));
        request.Headers.Range = new RangeHeaderValue(offset, to: null);
        using var answer = await Answer(request, cancellationToken);
        // 404: not begun. 416: nothing from there on.
        if (answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.RequestedRangeNotSatisfiable)
            return 0;
        await Expect(answer, cancellationToken);
        await using var content = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[64 * 1024];
        long copied = 0;
        while (await Next(content, buffer, cancellationToken) is var count and > 0)
        {
            await output.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            copied += count;
        }

        return copied;
    }

    /// <summary>0 at the end, and where the connection breaks: what was copied until then counts, and the next call goes on from there.</summary>
    private static async Task<int> Next(Stream content, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await content.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            return 0;
        }
    }

    public void Dispose() => http.Dispose();

    // The address carries the server's public origin, which need not lead anywhere from here.
    private static string OnServer(string log) => new Uri(log).PathAndQuery;

    private static string Named(int id) => $"job {id}: there is none of that number, or none that you may see";

    private async Task<T> Read<T>(HttpRequestMessage request, CancellationToken cancellationToken, string? what = null)
    {
        using var answer = await Answer(request, cancellationToken);
        await Expect(answer, cancellationToken, what);
        try
        {
            return await answer.Content.ReadFromJsonAsync<T>(Json, cancellationToken)
                ?? throw new JsonException("the answer is null");
        }
        catch (JsonException error)
        {
            throw new CommandException(ExitCode.CouldNotRun, $"{server} does not answer like a Builds server: {error.Message}");
        }
    }

    private async Task<HttpResponseMessage> Answer(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException error)
        {
            throw new ServerGoneException($"no server answers at {server}: {error.Message.TrimEnd('.')}. Start one with 'builds serve', or name another one with --url.");
        }
    }

    private async Task Expect(HttpResponseMessage answer, CancellationToken cancellationToken, string? what = null)
    {
        if (answer.IsSuccessStatusCode)
            return;
        var reasons = await Reasons(answer, cancellationToken);
        if (answer.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout)
            throw new ServerGoneException($"{server} cannot answer now: {reasons}");
        if (answer.StatusCode == HttpStatusCode.NotFound && what is not null)
            reasons = $"{reasons}, {what}";
        var status = answer.StatusCode == HttpStatusCode.BadRequest ? ExitCode.Usage : ExitCode.CouldNotRun;
        throw new CommandException(status, $"{server} refused: {reasons}");
    }

    private static async Task<string> Reasons(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var plain = $"{(int)answer.StatusCode} {answer.ReasonPhrase}";
        if (answer.Content.Headers.ContentType?.MediaType != "application/json")
            return plain;
        try
        {
            var errors = await answer.Content.ReadFromJsonAsync<ApiErrors>(Json, cancellationToken);
            return errors is { Errors.IsDefaultOrEmpty: false } ? string.Join('\n', errors.Errors.Select(Text)) : plain;
        }
        catch (JsonException)
        {
            return plain;
        }

        static string Text(ApiError error) => error.Field is null ? error.Reason : $"{error.Field}: {error.Reason}";
    }
}
