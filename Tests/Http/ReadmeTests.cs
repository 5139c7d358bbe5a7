using System.Text.RegularExpressions;
using Builds.Support;

namespace Builds.Tests;

/// <summary>The page for callers, run from top to bottom as one would paste it.</summary>
public sealed partial class ReadmeTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Every_command_of_the_page_works_against_a_fresh_server()
    {
        await using var server = await BuildsServer.Start(new BuildsServerOptions { Executor = PageExecutor() });
        var folder = Directory.CreateTempSubdirectory("builds-test-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "data"));
            await File.WriteAllTextAsync(Path.Combine(folder, "data", "admin-token"), server.AdminToken);
            var page = await File.ReadAllTextAsync(Repository.PathOf("Api/README.md"));
            var blocks = PageCommands.Of(page);
            blocks.Count.ShouldBeGreaterThan(9);

            // Each refusal ends the script: curl fails then.
            var script = "set -eu -o pipefail\ncurl() { command curl --fail-with-body --max-time 100 \"$@\"; }\n" + string.Concat(blocks)
                .Replace("http://127.0.0.1:5080", server.Address.ToString().TrimEnd('/'), StringComparison.Ordinal)
                .Replace("api() { curl -sS -H \"Authorization: Bearer $TOKEN\" \"$@\"; echo; }", "api() { curl -sS -H \"Authorization: Bearer $TOKEN\" \"$@\" && echo; }", StringComparison.Ordinal);
            var (status, output) = await PageCommands.Run(script, folder, Bound);

            status.ShouldBe(0, output);
            output.ShouldContain("\"status\":\"success\"");
            output.ShouldContain("\"name\":\"result.txt\"");
            output.ShouldContain("\"token\":\"");
            output.ShouldNotContain("{\"errors\":[");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task The_page_names_every_endpoint()
    {
        await using var server = await BuildsServer.Start();
        var page = await File.ReadAllTextAsync(Repository.PathOf("Api/README.md"));

        var mapped = server.Service<Microsoft.AspNetCore.Routing.EndpointDataSource>().Endpoints.OfType<Microsoft.AspNetCore.Routing.RouteEndpoint>()
            .Select(endpoint => endpoint.RoutePattern.RawText!)
            .Where(path => path.StartsWith("/api", StringComparison.Ordinal))
            .Select(path => "$BUILDS" + path.TrimEnd('/'));

        foreach (var path in mapped)
            IsOn(page, path).ShouldBeTrue($"{path} is not on the page");
    }

    /// <summary>A parameter of a path stands for anything but a blank.</summary>
    private static bool IsOn(string page, string path)
    {
        var parts = Parameter().Split(path);
        return page.Split(' ', '\n', '"').Any(word => word.StartsWith(parts[0], StringComparison.Ordinal) && parts.All(part => word.Contains(part, StringComparison.Ordinal)));
    }

    /// <summary>Leaves an artifact behind where the manifest wants one.</summary>
    private static FakeExecutor PageExecutor()
    {
        var executor = new FakeExecutor();
        executor.Script = async build =>
        {
            var outcome = await build.RunAllTasks();
            foreach (var path in build.Plan.Manifest.Artifacts)
                await build.Recorder.StoreArtifact(path, new MemoryStream("made\n"u8.ToArray()), build.Kill);
            return outcome;
        };
        return executor;
    }

    [GeneratedRegex("{[a-z]+}", RegexOptions.NonBacktracking)]
    private static partial Regex Parameter();
}
