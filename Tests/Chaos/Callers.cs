using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Builds.Tests.Chaos;

/// <summary>
/// Asks any silo of a cluster that is in trouble, as a careful caller would: no answer, or one of 500 or more, means that nobody knows
/// what was done.
/// </summary>
internal sealed class Callers(ChaosCluster cluster, Action<string> mistaken) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly HttpClient reading = new() { Timeout = Timeout.InfiniteTimeSpan };

    // A connection for each: whoever takes one out of a pool may find it dead, and the client would send the request again by itself.
    private readonly HttpClient writing = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly string[] secrets = [cluster.Admin, Support.PostgresServer.Password];

    /// <summary>Answers of 500 and more, and what they said, without numbers.</summary>
    public ConcurrentDictionary<string, int> Failures { get; } = [];

    public int Answers;

    /// <summary>Null: outcome unknown.</summary>
    /// <param name="member">Null: any that answers.</param>
    public async Task<Answer?> Ask(Random random, HttpMethod method, string path, object? body = null, string? key = null, string? token = null, Member? member = null, TimeSpan? patience = null)
    {
        if ((member ?? Any(random))?.Address is not { } address)
        {
            await Task.Delay(100); // Nobody is there at this moment.
            return null;
        }

        using var request = new HttpRequestMessage(method, new Uri(address, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token ?? cluster.Admin);
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        if (body is not null)
            request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        using var bound = new CancellationTokenSource(patience ?? Patience);
        try
        {
            using var response = await (method == HttpMethod.Get ? reading : writing).SendAsync(request, bound.Token);
            var answer = new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync(bound.Token), null, response.Headers);
            Interlocked.Increment(ref Answers);
            if (secrets.Any(secret => answer.Body.Contains(secret, StringComparison.Ordinal)))
                mistaken($"{method} {path} was answered with a secret: {answer.Body}");
            if (answer.Status < 500)
                return answer;
            Failures.AddOrUpdate($"{answer.Status} to {method}: {Plain(answer.Body)}", 1, (_, count) => count + 1);
            return null;
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>A whole log, as one silo shows it; null: unknown.</summary>
    public async Task<byte[]?> Log(Member member, string path)
    {
        if (member.Address is not { } address)
            return null;
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            using var response = await reading.GetAsync(new Uri(address, path), bound.Token);
            return response.IsSuccessStatusCode ? await response.Content.ReadAsByteArrayAsync(bound.Token) : null;
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Opens a log where its reader is; null: nobody answered, or there is none yet.</summary>
    public async Task<Stream?> Follow(Member member, string path, long offset, CancellationToken cancellationToken)
    {
        if (member.Address is not { } address)
            return null;
        try
        {
            var response = await reading.GetAsync(new Uri(address, $"{path}?follow=true&offset={offset}"), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.IsSuccessStatusCode)
                return await response.Content.ReadAsStreamAsync(cancellationToken);
            response.Dispose();
            return null;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>What there is of a log from here on, by a range; the status, 0 if nobody answered, and the bytes, null if there are none.</summary>
    public async Task<(int Status, Stream? Bytes)> From(Member member, string path, long offset, CancellationToken cancellationToken)
    {
        if (member.Address is not { } address)
            return default;
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, path));
        request.Headers.Range = new RangeHeaderValue(offset, null);
        try
        {
            var response = await reading.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.StatusCode == System.Net.HttpStatusCode.PartialContent)
                return (206, await response.Content.ReadAsStreamAsync(cancellationToken));
            response.Dispose();
            return ((int)response.StatusCode, null);
        }
        catch (HttpRequestException)
        {
            return default;
        }
    }

    public Member? Any(Random random)
    {
        var there = cluster.Members.Where(member => member.Address is not null).ToArray();
        return there.Length == 0 ? null : there[random.Next(there.Length)];
    }

    public void Dispose()
    {
        reading.Dispose();
        writing.Dispose();
    }

    private static string Plain(string body) => new([.. body.Where(letter => !char.IsDigit(letter)).Take(120)]);
}
