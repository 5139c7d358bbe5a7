using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net.Sockets;
using Builds.Cluster;
using Builds.Execution.Native;
using Builds.Execution.Parking;
using Builds.Execution.Sandbox;
using Builds.Jobs;

namespace Builds.Commands.Shell;

/// <summary><c>builds shell</c>: into what builds of this machine's silo left.</summary>
internal static class ShellCommand
{
    private const int StandardInput = 0, StandardOutput = 1;
    private const int UsualRows = 24, UsualColumns = 80;

    private static readonly Argument<int?> Job = new("JOB") { Description = "The number of the job. Default: list the environments that are kept here.", Arity = ArgumentArity.ZeroOrOne, CustomParser = ReadJob };
    private static readonly Option<bool> End = new("--end") { Description = "End the environment instead of opening a shell in it." };
    private static readonly Option<string> Data = new("--data") { Description = "The data directory of the silo that ran the job, on this machine.", HelpName = "DIR", DefaultValueFactory = _ => "./data" };

    public static Command Create()
    {
        var command = new Command("shell", "Opens a shell in the environment that a failed build left on this machine, or one with 'shell: true'. The exit status is the shell's. When the last shell ends, so does the environment.");
        command.Add(Job);
        command.Add(End);
        command.Add(Data);
        command.Validators.Add(line =>
        {
            if (line.GetValue(End) && line.GetValue(Job) is null) line.AddError("--end needs the number of a job");
        });
        command.SetAction((line, _) => Run(line));
        return command;
    }

    private static int? ReadJob(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        if (!JobId.TryParse(text, out var id))
            argument.AddError($"'{text}' is no number of a job: a whole number from 1 to {int.MaxValue}; 'builds shell' lists those whose environment is kept");
        return id.Value;
    }

    private static async Task<int> Run(ParseResult line)
    {
        var data = DataDirectory.Existing(line.GetRequiredValue(Data));
        var (job, end, output) = (line.GetValue(Job), line.GetValue(End), line.InvocationConfiguration.Output);
        var terminal = job is not null && !end && RawTerminal.Is(StandardInput) && RawTerminal.Is(StandardOutput);
        var (rows, columns) = Size();
        using var socket = Connect(data);
        await ShellLine.Send(socket, ShellLine.Of(ShellLine.Request, new ShellRequest(job, end, terminal ? Environment.GetEnvironmentVariable("TERM") ?? "dumb" : null, rows, columns)));
        var reader = new FrameReader(socket);
        var answer = await reader.Next() is { Kind: ShellLine.Answer } frame ? ShellLine.Read<ShellAnswer>(frame) : null;
        if (answer is null) throw new CommandException(ExitCode.CouldNotRun, $"the silo of {data.Path} does not answer; is it stopping?");
        if (answer.Refusal is { } why) throw new CommandException(ExitCode.CouldNotRun, why);
        if (job is null)
        {
            foreach (var parked in answer.Parked) await output.WriteLineAsync(Text(parked));
            if (answer.Parked.IsEmpty) await line.InvocationConfiguration.Error.WriteLineAsync("builds: no environment is kept here");
            return ExitCode.Done;
        }
        if (end) return ExitCode.Done;
        using var session = new ShellSession(socket, reader);
        return await session.Run(terminal ? new RawTerminal(StandardInput) : null, Size);
    }

    private static (int Rows, int Columns) Size() => RawTerminal.SizeOf(StandardOutput) ?? (UsualRows, UsualColumns);

    private static string Text(ParkedJob parked) => string.Create(CultureInfo.InvariantCulture,
        $"{parked.Job,6}  {parked.Why,-17}  since {parked.Since:u}, until {parked.Until:u}{(parked.Shells switch { 0 => "", 1 => ", 1 shell is open", var more => $", {more} shells are open" })}");

    private static Socket Connect(DataDirectory data)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            ShellLine.At(data.Path, socket.Connect);
            return socket;
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            socket.Dispose();
            throw new CommandException(ExitCode.CouldNotRun, error is SocketException { SocketErrorCode: SocketError.AccessDenied } || (error is IOException && Directory.Exists(data.Path))
                ? $"only the user of the silo of {data.Path} and root may open shells: {error.Message}"
                : DataLock.Holder(data) is { } holder ? $"{holder} has the data directory {data.Path}, and keeps no environments: it is stopping, or Builds:Execution:Parked is 0"
                : $"no silo runs on the data directory {data.Path}; name that of the silo which ran the job with --data");
        }
    }
}
