using System.CommandLine;
using System.CommandLine.Invocation;
using System.Net.Sockets;
using Builds.Cluster;
using Builds.Commands.Images;
using Builds.Commands.Secrets;
using Builds.Commands.Shell;
using Builds.Commands.Tokens;
using Builds.Commands.Workers;
using Microsoft.Extensions.Options;

namespace Builds.Commands;

/// <summary>The command line.</summary>
public static class BuildsCommand
{
    private const string DefaultCommand = "serve";

    private static readonly string[] OwnOptions = ["-h", "-?", "--help", "--version"];

    private static readonly RootCommand Root = Create();

    /// <summary>Runs one command to its end; answers the exit status of the process.</summary>
    /// <param name="arguments">Without the program's name.</param>
    /// <param name="output">Null: standard output. Log bytes go to standard output in any case.</param>
    /// <param name="errors">Null: standard error.</param>
    public static async Task<int> Run(IReadOnlyList<string> arguments, TextWriter? output = null, TextWriter? errors = null)
    {
        errors ??= Console.Error;
        try
        {
            var line = Root.Parse(NamesCommand(arguments) ? arguments : [DefaultCommand, .. arguments]);
            if (line.Action is ParseErrorAction mistake)
                (mistake.ShowHelp, mistake.ShowTypoCorrections) = (false, false);
            var status = await line.InvokeAsync(new InvocationConfiguration
            {
                Output = output ?? Console.Out,
                Error = errors,
                EnableDefaultExceptionHandler = false,
                // Each command has its own way to end on a signal.
                ProcessTerminationTimeout = null,
            });
            // Help was given, whatever else the line lacks.
            return line.Action is ParseErrorAction ? Fail(errors, ExitCode.Usage, "see --help for what can be said") : status;
        }
        catch (CommandException error)
        {
            return Fail(errors, error.ExitCode, error.Message);
        }
        catch (OptionsValidationException error)
        {
            return Fail(errors, ExitCode.Usage, string.Join('\n', error.Failures.Select(failure => $"setting refused: {failure}")));
        }
        catch (InvalidOperationException error) when (error.Source == "Microsoft.Extensions.Configuration.Binder")
        {
            // A value that is not even of its type; the message names both.
            return Fail(errors, ExitCode.Usage, $"setting refused: {error.Message}");
        }
        catch (InvalidOperationException error) when (error.Source == "Microsoft.Extensions.Logging.Configuration")
        {
            // It names the value only.
            return Fail(errors, ExitCode.Usage, $"setting refused: {error.Message} Below Logging:LogLevel each is one of {string.Join(", ", Enum.GetNames<LogLevel>())}.");
        }
        catch (Exception error) when (error is DataDirectoryException or ClusterException or IOException or UnauthorizedAccessException or SocketException)
        {
            return Fail(errors, ExitCode.CouldNotRun, error.Message);
        }
    }

    private static bool NamesCommand(IReadOnlyList<string> arguments) =>
        arguments.Count > 0 && (!arguments[0].StartsWith('-') || OwnOptions.Contains(arguments[0]));

    private static RootCommand Create()
    {
        var root = new RootCommand("Builds: runs build manifests, as a service and by hand.");
        root.Add(ServeCommand.Create(DefaultCommand));
        root.Add(RunCommand.Create());
        foreach (var command in ClientCommands.Create())
            root.Add(command);
        root.Add(SecretCommands.Create());
        root.Add(TokenCommands.Create());
        root.Add(WorkerCommands.Create());
        root.Add(QueueCommand.Create());
        root.Add(ImageCommands.Create());
        root.Add(ShellCommand.Create());
        root.Add(WebhookCommands.Create());
        root.Add(MigrateCommand.Create());
        root.Add(ImportCommand.Create());
        HelpExamples.AddTo(root);
        return root;
    }

    private static int Fail(TextWriter errors, int status, string message)
    {
        errors.WriteLine($"builds: {message}");
        return status;
    }
}
