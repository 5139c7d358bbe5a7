using System.Text;
using System.Text.Json;

namespace Builds.Benchmarks.Silos;

/// <summary>What silos answer.</summary>
internal static class Answers
{
    /// <summary>The body; throws what was said instead of an answer.</summary>
    public static async Task<JsonDocument> Json(HttpResponseMessage answer)
    {
        var body = await answer.Content.ReadAsByteArrayAsync();
        return answer.IsSuccessStatusCode
            ? JsonDocument.Parse(body)
            : throw new HttpRequestException($"A request was refused with {(int)answer.StatusCode}: {Encoding.UTF8.GetString(body)}");
    }
}
