using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Builds.Tests.Silos;

namespace Builds.Tests.Recovery;

/// <summary>
/// Asks a silo that may be killed at any moment. No answer is all right when the silo is dead; without that, and for every answer of 500 or
/// more, it throws.
/// </summary>
internal sealed class SiloClient(SiloProcess silo, Uri address, string token) : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    /// <summary>How long the news of a death may take to get here.</summary>
    private static readonly TimeSpan Dying = TimeSpan.FromSeconds(10);

    private readonly HttpClient http = new() { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };

    public SiloProcess Silo => silo;

    /// <summary>Null: the silo died before it answered, so that nobody knows what it did.</summary>
    public async Task<Answer?> Ask(HttpMethod method, string path, object? body = null, string? key = null, string? otherToken = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", otherToken ?? token);
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        if (body is not null)
            request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        var answer = await UnlessDead($"{method} {path}", async cancellationToken =>
        {
            using var response = await http.SendAsync(request, cancellationToken);
            return new Answer(
                (int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken), response.Content.Headers.ContentType?.ToString(), response.Headers);
        });
        if (answer?.Status >= 500)
            throw new HarnessException($"{method} {path} was answered {answer.Status}: {answer.Body}");
        return answer;
    }

    public Task<Answer?> Get(string path) => Ask(HttpMethod.Get, path);

    /// <summary>The bytes at an address; null: the silo died, or there is nothing.</summary>
    public Task<byte[]?> Bytes(string path) => UnlessDead($"GET {path}", async cancellationToken =>
    {
        using var response = await http.GetAsync(path, cancellationToken);
        return response.IsSuccessStatusCode ? await response.Content.ReadAsByteArrayAsync(cancellationToken) : null;
    });

    /// <summary>Follows a log from where its reader is. Ends when the server ends it, or the silo.</summary>
    public async Task Follow(SeenLog log, Action more)
    {
        await UnlessDead($"GET {log.Path}?follow", async cancellationToken =>
        {
            using var response = await http.GetAsync(new Uri($"{log.Path}?follow=true&offset={log.Length}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (!response.IsSuccessStatusCode)
                return "there is no such log";
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            var buffer = new byte[16 * 1024];
            while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var count)
            {
                log.Append(buffer.AsSpan(0, count));
                more();
            }

            return "ended";
        });
    }

    public void Dispose() => http.Dispose();

    private async Task<T?> UnlessDead<T>(string what, Func<CancellationToken, Task<T?>> ask) where T : class
    {
        using var bound = new CancellationTokenSource(Bound);
        try
        {
            return await ask(bound.Token);
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
        {
            await Task.WhenAny(silo.Ended, Task.Delay(Dying));
            return silo.Ended.IsCompleted ? null : throw new HarnessException($"{what} failed while the silo lived: {error}");
        }
    }
}
