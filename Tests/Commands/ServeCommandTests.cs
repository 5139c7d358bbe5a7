using System.Diagnostics;

namespace Builds.Tests;

/// <summary><c>builds serve</c> and the commands that talk to it, on real processes.</summary>
public sealed class ServeCommandTests : IDisposable
{
    private const int Terminate = 15;
    private const int Kill = 9;

    private readonly TempFolder folder = new();

    private string Data => Path.Combine(folder.Path, "data");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_first_start_prints_a_curl_that_builds_when_it_is_pasted()
    {
        var (program, ready) = await BuildsProgram.Serve(Data);
        await using var server = program;
        ready.ShouldStartWith("Ready: http://127.0.0.1:");
        var curl = await server.LineWith("curl ");

        using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", curl]) { UseShellExecute = false, WorkingDirectory = Repository.Root, RedirectStandardOutput = true })!;
        var answer = await shell.StandardOutput.ReadToEndAsync();

        answer.ShouldStartWith("{\"id\":1,\"status\":\"queued\"");
        (await Run("log", "1", "-f")).ShouldSatisfyAllConditions(
            log => log.Status.ShouldBe(0),
            log => log.Output.ShouldContain("\nHello from job 1\n"),
            log => log.Output.ShouldContain("== job 1: success"));
    }

    [Fact]
    public async Task The_token_is_shown_once_kept_for_its_owner_and_never_logged()
    {
        var (first, _) = await BuildsProgram.Serve(Data);
        await first.LineWith("curl ");
        var token = (await File.ReadAllTextAsync(Path.Combine(Data, "admin-token"))).Trim();
        var end = await Stop(first);
        end.Errors.ShouldNotContain(token);

        var (second, _) = await BuildsProgram.Serve(Data);
        (await second.Line()).ShouldBe($"The token of ~admin is in {Data}/admin-token");
        end = await Stop(second);

        (end.Output + end.Errors).ShouldNotContain(token);
        File.GetUnixFileMode(Path.Combine(Data, "admin-token")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.GetUnixFileMode(Data).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public async Task A_second_server_on_the_same_directory_or_port_is_refused()
    {
        var (program, ready) = await BuildsProgram.Serve(Data);
        await using var server = program;
        var address = ready.Split(' ', ',')[1];
        await server.LineWith("curl ");

        var sameData = await BuildsProgram.Run(folder.Path, "serve", "--data", Data, "--urls", "http://127.0.0.1:0");
        var samePort = await BuildsProgram.Run(folder.Path, "serve", "--data", Path.Combine(folder.Path, "other"), "--urls", address);

        sameData.Status.ShouldBe(3);
        sameData.Errors.ShouldStartWith($"builds: the data directory {Data} is in use by process {server.Id}, which serves {address}.");
        samePort.Status.ShouldBe(3);
        samePort.Errors.ShouldContain($"Failed to bind to address {address}: address already in use. Stop the program that uses it");
        samePort.Errors.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task Commands_find_the_server_of_the_data_directory()
    {
        var (program, _) = await BuildsProgram.Serve(Data);
        await using var server = program;
        await server.LineWith("curl ");

        (await Run("submit", Example("failing"), "--tag", "nightly", "--note", "to look at", "--follow")).Status.ShouldBe(1);
        (await Run("submit", Example("hello"), "--follow")).Status.ShouldBe(0);
        (await Run("list")).Output.ShouldBe("     2  success\n     1  failed (task)           nightly  to look at\n");
        (await Run("show", "1")).Output.ShouldEndWith("note: to look at\ntasks:\n  good: success\n  bad: failed\n  later: pending\n");
        (await Run("log", "1")).Output.ShouldContain("\nthis one is fine\n");
        var running = (await Run("submit", Example("long-running"))).Output.Trim();
        (await Run("cancel", running)).Status.ShouldBe(0);
        (await Run("log", running, "-f")).Status.ShouldBe(1);
        (await Run("show", "99")).ShouldSatisfyAllConditions(end => end.Status.ShouldBe(3), end => end.Errors.ShouldContain("404"));
    }

    [Fact]
    public async Task Tokens_are_made_and_revoked_with_the_server_running_or_not()
    {
        var (program, ready) = await BuildsProgram.ServeAlone(Data);
        var address = ready.Split(' ', ',')[1];
        await program.LineWith("curl ");
        var online = (await Run("token", "create", "--user", "mia", "--scopes", "jobs:read")).Output.Trim();
        (await As(online, address)).Status.ShouldBe(0);
        (await Run("token", "revoke", online[..8])).Status.ShouldBe(0);
        (await As(online, address)).ShouldSatisfyAllConditions(end => end.Status.ShouldBe(3), end => end.Errors.ShouldContain("Invalid or expired OAuth token"));
        await Stop(program);

        var offline = (await Run("token", "create", "--user", "~kim", "--scopes", "jobs:read,jobs:write", "--days", "3")).Output.Trim();
        var lost = (await Run("token", "create", "--user", "kim", "--scopes", "*")).Output.Trim();
        (await Run("token", "revoke", lost[..8])).Status.ShouldBe(0);
        var list = (await Run("token", "list", "--user", "kim")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        list.Single(line => line.StartsWith(offline[..8], StringComparison.Ordinal)).ShouldContain("jobs:read,jobs:write");
        list.Single(line => line.StartsWith(lost[..8], StringComparison.Ordinal)).ShouldContain("revoked");

        var (again, readyAgain) = await BuildsProgram.ServeAlone(Data);
        await again.Line();
        (await As(offline, readyAgain.Split(' ', ',')[1])).Status.ShouldBe(0);
        (await As(lost, readyAgain.Split(' ', ',')[1])).Status.ShouldBe(3);
        await Stop(again);
    }

    [Fact]
    public async Task The_first_signal_lets_a_running_build_finish()
    {
        var (program, _) = await BuildsProgram.Serve(Data, "--slots", "1");
        await program.LineWith("curl ");
        await Run("submit", await Manifest("touch begun; sleep 2; echo finished"));
        await Begun("1");

        (await Stop(program)).ShouldSatisfyAllConditions(
            end => end.Status.ShouldBe(0),
            end => end.Errors.ShouldContain("Draining: no new job is taken; 1 running may finish within 00:01:00, a second signal hands them back at once\n"),
            end => end.Errors.ShouldContain("Drained: 0 jobs are left running\n"));

        var (again, _) = await BuildsProgram.Serve(Data);
        await again.Line();
        var log = await Run("log", "1");
        log.Output.ShouldContain("\nfinished\n");
        log.Output.ShouldNotContain("Attempt 1 ends");
        await Stop(again);
    }

    [Fact]
    public async Task The_second_signal_hands_a_running_build_back_and_a_later_start_runs_it_again()
    {
        var (program, ready) = await BuildsProgram.Serve(Data, "--slots", "1");
        await program.LineWith("curl ");
        await Run("submit", await Manifest("test \"$JOB_ATTEMPT\" -gt 1 || sleep 1000"));
        await Begun("1");

        program.Signal(Terminate);
        // Two signals that wait together are one.
        await Draining(ready.Split(' ', ',')[1]);
        program.Signal(Terminate);
        (await program.End()).Status.ShouldBe(0);

        var (again, _) = await BuildsProgram.Serve(Data);
        await again.Line();
        (await Run("log", "1", "-f")).Status.ShouldBe(0);
        await Stop(again);
    }

    [Fact]
    public async Task After_a_kill_every_job_ends_and_the_restart_is_told_in_its_log()
    {
        var (program, _) = await BuildsProgram.Serve(Data, "--slots", "1");
        await program.LineWith("curl ");
        await Run("submit", await Manifest("test \"$JOB_ATTEMPT\" -gt 1 || sleep 1000"));
        await Run("submit", Example("hello"));
        await Begun("1");

        program.Signal(Kill);
        await program.End();

        var (again, _) = await BuildsProgram.Serve(Data);
        await again.Line();
        (await Run("log", "1", "-f")).ShouldSatisfyAllConditions(
            end => end.Status.ShouldBe(0),
            end => end.Output.ShouldContain("was restarted"));
        (await Run("log", "2", "-f")).Status.ShouldBe(0);
        await Stop(again);
    }

    [Fact]
    public async Task A_follower_goes_on_when_the_server_is_started_again()
    {
        var (program, ready) = await BuildsProgram.Serve(Data, "--slots", "1");
        var address = ready.Split(' ', ',')[1];
        await program.LineWith("curl ");
        await Run("submit", await Manifest("echo attempt $JOB_ATTEMPT; test \"$JOB_ATTEMPT\" -gt 1 || sleep 1000"));
        var token = (await File.ReadAllTextAsync(Path.Combine(Data, "admin-token"))).Trim();
        await using var follower = BuildsProgram.Start(folder.Path, "log", "1", "-f", "--url", address, "--token", token);
        await follower.LineWith("+ sleep 1000");

        program.Signal(Kill);
        await program.End();
        var (again, _) = await BuildsProgram.Serve(Data, "--urls", address);
        await using var second = again;

        var end = await follower.End();
        end.Status.ShouldBe(0, end.Errors);
        end.Output.ShouldContain("\nattempt 2\n");
        end.Output.ShouldNotContain("\nattempt 1\n", customMessage: "it was shown before, and is not shown twice");
        end.Errors.ShouldContain($"builds: no server answers at {address}/: ");
        end.Errors.ShouldEndWith("Trying again for 2 minutes.\nbuilds: the server answers again\n");
    }

    private Task<ProgramEnd> Run(params string[] arguments) => BuildsProgram.Run(folder.Path, [.. arguments, "--data", Data]);

    private Task<ProgramEnd> As(string token, string address) => BuildsProgram.Run(folder.Path, "list", "--url", address, "--token", token);

    /// <summary>Follows the job until its task has said that it begins.</summary>
    private async Task Begun(string job)
    {
        await using var follower = BuildsProgram.Start(folder.Path, "log", job, "-f", "--data", Data);
        await follower.LineWith("+ ");
    }

    private static async Task Draining(string address)
    {
        using var client = new HttpClient();
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var seen = "";
        while (!seen.Contains("drains", StringComparison.Ordinal))
        {
            using var answer = await client.GetAsync($"{address}/health/ready", bound.Token);
            seen = await answer.Content.ReadAsStringAsync(bound.Token);
        }
    }

    private async Task<string> Manifest(string script)
    {
        var path = Path.Combine(folder.Path, "manifest.yml");
        await File.WriteAllTextAsync(path, $"image: host\ntasks:\n- a: |\n    {script}\n");
        return path;
    }

    private static async Task<ProgramEnd> Stop(BuildsProgram program)
    {
        await using (program)
        {
            program.Signal(Terminate);
            return await program.End();
        }
    }

    private static string Example(string name) => Repository.PathOf("Silo", "examples", $"{name}.yml");
}
