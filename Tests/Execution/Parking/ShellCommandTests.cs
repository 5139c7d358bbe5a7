using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Sockets;
using Builds.Commands.Client;
using Builds.Execution.Sandbox;
using Builds.Support;
using Builds.Tests;

namespace Builds.Execution.Parking;

/// <summary><c>builds shell</c>, on real processes.</summary>
public sealed class ShellCommandTests : IDisposable
{
    private const int Terminate = 15;
    private readonly TempFolder _folder = new();
    private readonly string _token = Guid.NewGuid().ToString("N");

    private string Data => Path.Combine(_folder.Path, "data");

    public void Dispose() => _folder.Dispose();

    private string Failing => $"image: host\ntasks:\n- bad: |\n    {Parked.Failing(_token)}\n";

    [BubblewrapFact]
    public async Task Shells_come_in_through_the_data_directory_with_and_without_a_terminal_and_end_with_whoever_opened_them_and_with_the_silo()
    {
        var (server, ready) = await BuildsProgram.ServeAlone(Data, "--slots", "1");
        await using var _1 = server;
        await server.LineWith("curl ");
        using var api = new BuildsClient(new Uri(ready.Split(' ', ',')[1]), (await File.ReadAllTextAsync(Path.Combine(Data, "admin-token"))).Trim());
        File.GetUnixFileMode(Path.Combine(Data, "shells")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);

        // Nothing but a shell: a success at once, and kept.
        await Submit(api, "image: host\nshell: true\n");
        (await Shell("echo \"$JOB_ID\" >&2; cat | wc -c; exit 7\n" + new string('x', 300_000), "1")).ShouldBe(new ProgramEnd(7, "1\n300000\n", ""));
        (await Shell("", "1")).ShouldSatisfyAllConditions(end => end.Status.ShouldBe(3), end => end.Errors.ShouldContain("the environment of job 1 is not kept here, or not any more"));

        await Submit(api, Failing);
        (await Shell(null)).Output.ShouldMatch(@"^     2  failed \(task\)      since 20.*Z, until 20.*Z\n$");
        var typed = await InTerminal("2", "stty size; tty; exit 5\r");
        typed.ShouldContain("\n24 80\r\n/dev/pts/0\r\n");
        typed.ShouldContain("status 5, the terminal is as it was");
        await HostileTree.Gone(_token, mark: null, Parked.Bound);

        await Submit(api, Failing);
        using (var client = await Interactive("3"))
        {
            client.Kill();
            await client.WaitForExitAsync();
        }
        await HostileTree.Gone(_token, mark: null, Parked.Bound);

        await Submit(api, Failing);
        using (var client = await Interactive("4"))
        {
            (await Shell(null, "4", "--end")).ShouldBe(new ProgramEnd(0, "", ""));
            (await EndOf(client)).ShouldBe((3, "builds: the environment has ended: an operator ended it\n"));
        }

        await Submit(api, Failing);
        using (var client = await Interactive("5"))
        {
            // Another one who does not listen is not waited for.
            using var deaf = await Deaf(5);
            server.Signal(Terminate);
            (await EndOf(client)).ShouldBe((3, "builds: the environment has ended: the silo stops\n"));
        }
        (await server.End()).Status.ShouldBe(0);
        HostileTree.Alive(_token).ShouldBeEmpty();
        (await Shell("", "5")).Errors.ShouldStartWith($"builds: no silo runs on the data directory {Data}");
    }

    /// <summary>Submits a job, and waits until its environment is parked.</summary>
    private async Task Submit(BuildsClient api, string manifest)
    {
        using var bound = new CancellationTokenSource(Parked.Bound);
        var job = await api.Submit(manifest, note: null, tags: [], priority: 0, Builds.Queue.Placement.DefaultPool, labels: [], bound.Token);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!(await List()).Any(parked => parked.Job == job.Id)) await timer.WaitForNextTickAsync(bound.Token);
    }

    /// <summary>What is parked, by the line that the command uses.</summary>
    private async Task<ImmutableArray<ParkedJob>> List()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        ShellLine.At(Data, socket.Connect);
        await ShellLine.Send(socket, ShellLine.Of(ShellLine.Request, new ShellRequest(Job: null)));
        return ShellLine.Read<ShellAnswer>((await new FrameReader(socket).Next()).ShouldNotBeNull())!.Parked;
    }

    /// <summary>A shell that prints without end to somebody who has read the beginning of it.</summary>
    private async Task<Socket> Deaf(int job)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        ShellLine.At(Data, socket.Connect);
        await ShellLine.Send(socket, ShellLine.Of(ShellLine.Request, new ShellRequest(job)));
        await ShellLine.Send(socket, Frames.Of(ShellLine.Input, [], "yes\n"u8));
        // An answer, room for input, and output; then the line is filled.
        var reader = new FrameReader(socket);
        while ((await reader.Next()).ShouldNotBeNull().Kind != ShellLine.Output) { }
        return socket;
    }

    /// <param name="input">Null: none.</param>
    private Task<ProgramEnd> Shell(string? input, params string[] arguments) => BuildsProgram.Run(_folder.Path, input, ["shell", .. arguments, "--data", Data]);

    /// <summary>A client that has its input and output open, and a shell that answers.</summary>
    private async Task<Process> Interactive(string job)
    {
        var client = Start(Path.Combine(AppContext.BaseDirectory, "builds"), "shell", job, "--data", Data);
        await client.StandardInput.WriteAsync("echo in\n");
        (await client.StandardOutput.ReadLineAsync().WaitAsync(Parked.Bound)).ShouldBe("in");
        return client;
    }

    private static async Task<(int Status, string Errors)> EndOf(Process client)
    {
        var errors = await client.StandardError.ReadToEndAsync().WaitAsync(Parked.Bound);
        await client.WaitForExitAsync();
        return (client.ExitCode, errors);
    }

    /// <summary>What a terminal shows when somebody types in it.</summary>
    private async Task<string> InTerminal(string job, string keys)
    {
        var command = $"stty rows 24 cols 80; before=$(stty -g); {AppContext.BaseDirectory}/builds shell {job} --data {Data}; status=$?; [ \"$(stty -g)\" = \"$before\" ] && echo \"status $status, the terminal is as it was\"";
        using var script = Start("script", "-qc", command, "/dev/null");
        await script.StandardInput.WriteAsync(keys);
        await script.StandardInput.FlushAsync();
        var shown = await script.StandardOutput.ReadToEndAsync().WaitAsync(Parked.Bound);
        await script.WaitForExitAsync();
        return shown;
    }

    private static Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_ROOT"] = Path.GetDirectoryName(TestProgram.Dotnet);
        start.Environment["TERM"] = "dumb";
        return Process.Start(start)!;
    }
}
