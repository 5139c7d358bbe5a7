using Builds.Jobs;

namespace Builds.Tests;

/// <summary>Lists come in pages (contract/rest sections 3 and 5.1).</summary>
public sealed class PaginationTests(RestServer rest) : IClassFixture<RestServer>
{
    [Fact]
    public async Task Pages_hold_50_jobs_newest_first_and_next_leads_on()
    {
        var client = await rest.As(rest.NewUser());
        var jobs = new List<int>();
        for (var i = 0; i < 51; i++)
            jobs.Add((await client.PostJson("/api/jobs", new { manifest = Some.Manifest, execute = false })).Id);
        jobs.Reverse();

        var first = await client.Get("/api/jobs");
        var second = await client.Get($"/api/jobs?start={first["next"].GetString()}");

        first.Body.ShouldBe(await Whole($"\"{jobs[50]}\"", jobs[..50], 51));
        second.ShouldBe(200, await Whole("null", jobs[50..], 51));
        (await client.Get("/api/jobs?start=-1")).Body.ShouldBe(first.Body);
        (await client.Get($"/api/jobs?start={jobs[0] + 1}")).Body.ShouldBe(first.Body);
        (await client.Get("/api/jobs?start=99999999999999999999")).Body.ShouldBe(first.Body);
        (await client.Get("/api/jobs?start=0")).ShouldBe(200, await Whole("null", [], 51));

        async Task<string> Whole(string next, List<int> shown, int total)
        {
            var results = new List<string>();
            foreach (var job in shown)
                results.Add((await client.Get($"/api/jobs/{job}")).Body);
            return $$"""{"next":{{next}},"results":[{{string.Join(',', results)}}],"results_per_page":50,"total":{{total}}}""";
        }
    }

    [Fact]
    public async Task A_list_has_its_owners_jobs_only_of_every_visibility()
    {
        var (mine, theirs) = (rest.NewUser(), rest.NewUser());
        var client = await rest.As(mine);
        await (await rest.As(theirs)).PostJson("/api/jobs", new { manifest = Some.Manifest, execute = false });
        var hidden = await JobTests.SubmitWith(rest, mine, Visibility.Private);

        var list = await client.Get("/api/jobs");

        list.ShouldBe(200, $$"""{"next":null,"results":[{{(await client.Get($"/api/jobs/{hidden}")).Body}}],"results_per_page":50,"total":1}""");
    }

    [Theory]
    [InlineData("one")]
    [InlineData("1.5")]
    [InlineData("")]
    public async Task A_start_that_is_no_whole_number_is_refused(string start) =>
        (await rest.Admin.Get($"/api/jobs?start={start}")).ShouldRefuse(
            400, "start", $"start must be an id, a whole number as in \"next\" of the page before, not '{start}'; leave it out for the first page");
}
