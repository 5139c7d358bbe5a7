using System.Text.Json;
using Microsoft.AspNetCore.Routing;

namespace Builds.Tests;

/// <summary>The description at /openapi/v1.json.</summary>
public sealed class OpenApiTests(RestServer rest) : IClassFixture<RestServer>
{
    [Fact]
    public async Task Every_endpoint_below_api_is_described_with_summary_and_answer()
    {
        var paths = (await Document()).GetProperty("paths");
        var mapped = rest.Server.Service<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/api", StringComparison.Ordinal))
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(method => (Path: endpoint.RoutePattern.RawText!.TrimEnd('/'), Method: method)))
            .ToList();

        mapped.Count.ShouldBeGreaterThan(14);
        foreach (var (path, method) in mapped)
        {
            paths.TryGetProperty(path, out var described).ShouldBeTrue($"{path} is not described");
            described.TryGetProperty(method.ToLowerInvariant(), out var operation).ShouldBeTrue($"{method} {path} is not described");
            operation.GetProperty("summary").GetString().ShouldNotBeNullOrEmpty($"{method} {path}");
            operation.GetProperty("responses").TryGetProperty("200", out _).ShouldBeTrue($"{method} {path} has no answer");
        }
    }

    [Fact]
    public async Task Submitting_has_an_example_that_works_and_names_token_and_errors()
    {
        var submit = (await Document()).GetProperty("paths").GetProperty("/api/jobs").GetProperty("post");
        var example = submit.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example").GetRawText();

        (await rest.Admin.PostJson("/api/jobs", example)).Status.ShouldBe(200);
        submit.GetProperty("security")[0].TryGetProperty("token", out _).ShouldBeTrue();
        submit.GetProperty("responses").EnumerateObject().Select(answer => answer.Name).ShouldBe(["200", "400", "401", "403", "413", "415", "429"], ignoreOrder: true);
    }

    [Fact]
    public async Task Answers_and_errors_have_examples()
    {
        var components = (await Document()).GetProperty("components");

        components.GetProperty("schemas").GetProperty("JobModel").GetProperty("examples")[0].GetProperty("status").GetString().ShouldBe("running");
        components.GetProperty("schemas").GetProperty("ApiErrors").GetProperty("examples")[0].GetProperty("errors").GetArrayLength().ShouldBe(1);
        components.GetProperty("securitySchemes").GetProperty("token").GetProperty("scheme").GetString().ShouldBe("bearer");
    }

    private async Task<JsonElement> Document()
    {
        var answer = await rest.Anonymous().Get("/openapi/v1.json");
        answer.Status.ShouldBe(200, answer.Body);
        return JsonDocument.Parse(answer.Body).RootElement;
    }
}
