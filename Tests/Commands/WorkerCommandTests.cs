using Builds.Execution;
using Builds.Jobs;
using Builds.Workers;

namespace Builds.Tests;

/// <summary><c>builds worker</c> and <c>builds queue</c>, in this process, against a server whose builds the test plays.</summary>
public sealed class WorkerCommandTests(RestServer rest) : IClassFixture<RestServer>
{
    private const string Held = "image: held\ntasks:\n- a: 'true'\n";

    private string Worker => rest.Server.Service<WorkerIdentity>().Name;

    [Fact]
    public async Task A_worker_is_drained_shown_and_resumed()
    {
        var job = (await rest.Admin.PostJson("/api/jobs", new { manifest = Held })).Id;
        var build = await rest.Executor.Build(new(job));

        (await Run("worker", "drain", Worker, "--deadline", "10m", "--note", "new disk")).ShouldBe(
            (0, $"{Worker}: draining, drained since 2026-11-24 12:00:00Z: new disk (1 running may go on until 2026-11-24 12:10:00Z)\n", ""));
        var (status, list, _) = await Run("worker", "list");
        status.ShouldBe(0);
        var lines = list.Split('\n');
        lines[0].ShouldMatch("^NAME +STATUS +SLOTS +POOL +IMAGES +LABELS +VERSION +HEARD$");
        lines[1].ShouldMatch($"^{Worker} +draining +1/[0-9]+ +default +host,held +- +{ProductVersion.Text} +.* ago$");
        lines[2].ShouldBe("  drained since 2026-11-24 12:00:00Z: new disk (1 running may go on until 2026-11-24 12:10:00Z)");
        lines[3].ShouldStartWith($"  job {job}, attempt 1, for ");

        var drained = Run("worker", "drain", Worker, "--wait");
        build.End(new BuildOutcome.Failed(FailReason.Task, null));
        var (waited, said, _) = await drained.WaitAsync(TimeSpan.FromMinutes(1));
        waited.ShouldBe(0, said);
        said.ShouldEndWith($"drained, nothing runs there any more\n");

        var waiting = (await rest.Admin.PostJson("/api/jobs", new { manifest = Held })).Id;
        (await Until("queue", "1 queued")).ShouldStartWith("pool default: 1 queued, 0 running, 0 of 0 slots free, the oldest waits for 0 s\n  1 waits: ");
        (await Run("show", $"{waiting}")).Output.ShouldContain("waiting: place 1, ");
        (await Run("worker", "resume", Worker)).ShouldBe((0, $"{Worker}: ready\n", ""));
        (await rest.Executor.Build(new(waiting))).End(new BuildOutcome.Succeeded());
    }

    [Fact]
    public async Task What_is_wrong_is_told_in_one_message()
    {
        (await Run("worker", "drain", "nobody")).ShouldSatisfyAllConditions(
            end => end.Status.ShouldBe(3),
            end => end.Errors.ShouldBe($"builds: {rest.Origin}/ refused: no worker is called 'nobody'; there is {Worker}\n"));
        (await Run("worker", "drain", Worker, "--deadline", "soon")).ShouldSatisfyAllConditions(
            end => end.Status.ShouldBe(2),
            end => end.Errors.ShouldContain("--deadline: 'soon' is no span of time: a whole number of seconds, or one with s, m, h or d behind it, such as 10m"));
        (await Run("worker", "drain", Worker, "--deadline", "8d")).ShouldSatisfyAllConditions(
            end => end.Status.ShouldBe(2),
            end => end.Errors.ShouldContain("deadline must be a number of seconds from 0 (hand back at once) to 604800"));
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("90", 90)]
    [InlineData("90s", 90)]
    [InlineData("10m", 600)]
    [InlineData("2h", 7200)]
    [InlineData("1d", 86_400)]
    public void Spans_of_time_have_a_unit_or_are_seconds(string text, int seconds) => Commands.DurationText.Parse(text).ShouldBe(TimeSpan.FromSeconds(seconds));

    [Theory]
    [InlineData("")]
    [InlineData("m")]
    [InlineData("-1")]
    [InlineData("1.5h")]
    [InlineData("1 h")]
    [InlineData("1w")]
    [InlineData("367d")]
    [InlineData("99999999999")]
    public void Anything_else_is_no_span_of_time(string text) => Commands.DurationText.Parse(text).ShouldBeNull();

    [Fact]
    public async Task A_job_that_is_no_number_or_not_there_is_named()
    {
        (await Run("show", "abc")).ShouldSatisfyAllConditions(
            end => end.Status.ShouldBe(2),
            end => end.Errors.ShouldContain($"'abc' is no number of a job: a whole number from 1 to {int.MaxValue}; see 'builds list'"),
            end => end.Errors.ShouldNotContain("System."));
        (await Run("show", "999999")).ShouldBe((3, "", $"builds: {rest.Origin}/ refused: 404 not found, job 999999: there is none of that number, or none that you may see\n"));
        (await Run("cancel", "999999")).Errors.ShouldContain("job 999999");
    }

    [Fact]
    public async Task Show_tells_the_timeline_when_it_is_asked_for()
    {
        var job = (await rest.Admin.PostJson("/api/jobs", new { manifest = "image: host\ntasks:\n- a: 'true'\n" })).Id;
        await rest.Server.Ended(job);

        (await Run("show", $"{job}")).Output.ShouldNotContain("timeline");
        (await Run("show", $"{job}", "--timeline")).Output.ShouldEndWith($"""
            timeline:
              2026-11-24 12:00:00.000Z  submitted
              2026-11-24 12:00:00.000Z  queued
              2026-11-24 12:00:00.000Z  claimed           attempt 1 on {Worker}
              2026-11-24 12:00:00.000Z  finished          attempt 1 on {Worker}  success

            """);
    }

    [Theory]
    [InlineData("builds worker drain north --deadline 10m --wait", "worker", "drain", "--help")]
    [InlineData("builds queue", "queue", "--help")]
    [InlineData("builds token list --user mia", "token", "list", "--help")]
    public async Task Help_ends_with_examples(string example, params string[] arguments)
    {
        using var output = new StringWriter();
        (await Commands.BuildsCommand.Run(arguments, output, output)).ShouldBe(0);
        output.ToString().Split("Examples:")[1].ShouldContain(example);
    }

    private async Task<(int Status, string Output, string Errors)> Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var status = await Commands.BuildsCommand.Run([.. arguments, "--url", rest.Origin, "--token", rest.Server.AdminToken], output, errors);
        return (status, output.ToString(), errors.ToString());
    }

    /// <summary>Runs it until it says this; fails with what it said when that takes longer than a minute.</summary>
    private async Task<string> Until(string command, string text)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            var (_, output, errors) = await Run(command);
            if (output.Contains(text, StringComparison.Ordinal))
                return output;
            bound.IsCancellationRequested.ShouldBeFalse($"'{command}' still says: {output}{errors}");
        }
    }
}
