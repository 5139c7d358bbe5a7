using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Builds.Tests;

/// <summary>What a server answered, read whole.</summary>
public sealed record Answer(int Status, string Body, string? Type, HttpResponseHeaders Headers)
{
    private const string Json = "application/json; charset=utf-8";

    /// <summary>A value of a JSON object.</summary>
    public JsonElement this[string key] => JsonDocument.Parse(Body).RootElement.GetProperty(key);

    /// <summary>The id of the resource in here.</summary>
    public int Id => this["id"].GetInt32();

    /// <summary>JSON, to the last character.</summary>
    public void ShouldBe(int status, string body)
    {
        Body.ShouldBe(body);
        Status.ShouldBe(status);
        Type.ShouldBe(Json);
    }

    /// <summary>A refusal with one error.</summary>
    public void ShouldRefuse(int status, string? field, string reason) => ShouldRefuse(status, (field, reason));

    public void ShouldRefuse(int status, params (string? Field, string Reason)[] errors) => ShouldBe(
        status,
        $$"""{"errors":[{{string.Join(',', errors.Select(error => error.Field is null ? $$"""{"reason":{{Quote(error.Reason)}}}""" : $$"""{"field":"{{error.Field}}","reason":{{Quote(error.Reason)}}}"""))}}]}""");

    public static string Quote(string text) => "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
}

/// <summary>Requests as a caller would send them.</summary>
public static class Requests
{
    public static Task<Answer> Get(this HttpClient client, string path) => client.Ask(HttpMethod.Get, path);

    public static Task<Answer> Post(this HttpClient client, string path) => client.Ask(HttpMethod.Post, path);

    public static Task<Answer> Delete(this HttpClient client, string path) => client.Ask(HttpMethod.Delete, path);

    /// <summary>Posts a value as JSON; a string is sent as it stands.</summary>
    public static Task<Answer> PostJson(this HttpClient client, string path, object body, params (string Name, string Value)[] headers) => client.Ask(
        HttpMethod.Post, path, new StringContent(body as string ?? JsonSerializer.Serialize(body), Encoding.UTF8, "application/json"), headers);

    /// <summary>Posts a form; a key may come several times.</summary>
    public static Task<Answer> PostForm(this HttpClient client, string path, params (string Key, string Value)[] fields) => client.Ask(
        HttpMethod.Post, path, new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Key, field.Value))));

    public static async Task<Answer> Ask(
        this HttpClient client, HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value).ShouldBeTrue();
        using var bound = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var response = await client.SendAsync(request, bound.Token);
        return new Answer(
            (int)response.StatusCode, await response.Content.ReadAsStringAsync(bound.Token), response.Content.Headers.ContentType?.ToString(), response.Headers);
    }
}
