using System.Net.Http.Headers;
using System.Text;

namespace Builds.Tests;

/// <summary>Refusals have one shape (contract/rest section 2).</summary>
public sealed class ProblemTests(RestServer rest) : IClassFixture<RestServer>
{
    private const int BodyLimit = 256 * 1024;

    [Theory]
    [InlineData("/api")]
    [InlineData("/api/nothing")]
    [InlineData("/api/jobs/1/nothing")]
    public async Task An_unknown_route_is_404(string path) => (await rest.Anonymous().Get(path)).ShouldRefuse(404, null, "404 not found");

    [Theory]
    [InlineData("one")]
    [InlineData("-1")]
    [InlineData("0")]
    [InlineData("01")]
    [InlineData("2147483648")]
    [InlineData("2147483647")]
    public async Task A_job_id_that_names_no_job_is_404(string id)
    {
        (await rest.Admin.Get($"/api/jobs/{id}")).ShouldRefuse(404, null, "404 not found");
        (await rest.Admin.Get($"/api/jobs/{id}/artifacts")).ShouldRefuse(404, null, "404 not found");
        (await rest.Admin.Get($"/api/jobs/{id}/manifest")).ShouldRefuse(404, null, "404 not found");
        (await rest.Admin.Post($"/api/jobs/{id}/start")).ShouldRefuse(404, null, "404 not found");
        (await rest.Admin.Post($"/api/jobs/{id}/cancel")).ShouldRefuse(404, null, "404 not found");
    }

    [Theory]
    [InlineData("DELETE", "/api/jobs")]
    [InlineData("PUT", "/api/jobs/1")]
    [InlineData("GET", "/api/jobs/1/start")]
    [InlineData("POST", "/api/jobs/1/manifest")]
    [InlineData("POST", "/api/version")]
    [InlineData("GET", "/api/job-group")]
    public async Task A_wrong_method_is_405(string method, string path) =>
        (await rest.Admin.Ask(new HttpMethod(method), path)).ShouldRefuse(405, null, "405 method not allowed");

    [Fact]
    public async Task A_body_of_more_than_256_KiB_is_413()
    {
        var answer = await rest.Admin.Ask(HttpMethod.Post, "/api/jobs", Body(new string('x', BodyLimit + 1), "application/json"));

        answer.ShouldRefuse(413, null, "The body may have at most 262144 bytes: send a shorter manifest or note");
    }

    [Fact]
    public async Task A_body_of_more_than_256_KiB_without_a_length_is_413()
    {
        var endless = new StreamContent(new MemoryStream(new byte[BodyLimit + 1]));
        endless.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/jobs") { Content = endless };
        request.Headers.TransferEncodingChunked = true;

        using var response = await rest.Admin.SendAsync(request);

        ((int)response.StatusCode).ShouldBe(413);
        (await response.Content.ReadAsStringAsync()).ShouldBe("""{"errors":[{"reason":"The body may have at most 262144 bytes: send a shorter manifest or note"}]}""");
    }

    [Fact]
    public async Task A_body_of_256_KiB_is_read()
    {
        var answer = await rest.Admin.Ask(HttpMethod.Post, "/api/jobs", Body(new string('x', BodyLimit), "application/json"));

        answer.ShouldRefuse(400, (null, "Invalid JSON provided"), ("manifest", "manifest is required"));
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/json; charset=iso-8859-1")]
    public async Task A_body_of_another_type_is_415(string type) =>
        (await rest.Admin.Ask(HttpMethod.Post, "/api/jobs", Body("image: host", type))).ShouldRefuse(
            415, null, $"The content type '{type}' is not understood: send application/json, application/x-www-form-urlencoded or multipart/form-data, in UTF-8");

    [Fact]
    public async Task A_body_that_is_not_UTF_8_is_refused_and_not_repaired()
    {
        var content = new ByteArrayContent([.. "{\"manifest\":\""u8, 0xff, .. "\"}"u8]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        (await rest.Admin.Ask(HttpMethod.Post, "/api/jobs", content)).ShouldRefuse(400, null, "The body is not valid UTF-8: convert the manifest and the note to UTF-8");
    }

    [Fact]
    public async Task A_job_of_somebody_else_can_be_seen_and_not_changed()
    {
        var owner = await rest.As(rest.NewUser());
        var stranger = await rest.As(rest.NewUser());
        var job = (await owner.PostJson("/api/jobs", new { manifest = Some.Manifest, execute = false })).Id;

        (await stranger.Post($"/api/jobs/{job}/start")).ShouldRefuse(401, null, "401 unauthorized");
        (await stranger.Post($"/api/jobs/{job}/cancel")).ShouldRefuse(401, null, "401 unauthorized");
        (await stranger.Get($"/api/jobs/{job}")).Status.ShouldBe(200);
    }

    private static StringContent Body(string text, string type)
    {
        var content = new StringContent(text, Encoding.UTF8);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        return content;
    }
}
