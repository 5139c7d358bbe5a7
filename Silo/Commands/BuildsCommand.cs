using System.CommandLine;
using System.CommandLine.Invocation;
using Builds.Cluster;
using Builds.Commands.Tokens;

namespace Builds.Commands;

/// <summary>The command line.</summary>
public static class BuildsCommand
{
    /// <summary>Runs one command to its end; answers the exit status of the process.</summary>
    public static async Task<int> Run(IReadOnlyList<string> arguments)
    {
        try
        {
            var line = Create().Parse(arguments);
            if (line.Action is ParseErrorAction mistake)
                (mistake.ShowHelp, mistake.ShowTypoCorrections) = (false, false);
            var status = await line.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // Each command has its own way to end on a signal.
                ProcessTerminationTimeout = null,
            });
            return line.Errors.Count > 0 ? Fail(ExitCode.Usage, "see --help for what can be said") : status;
        }
        catch (CommandException error)
        {
            return Fail(error.ExitCode, error.Message);
        }
        catch (DataDirectoryException error)
        {
            return Fail(ExitCode.CouldNotRun, error.Message);
        }
    }

    private static RootCommand Create()
    {
        var root = new RootCommand("Builds: runs build manifests, as a service and by hand.");
        ServeCommand.Create(root);
        root.Add(ServeCommand.Create(new Command("serve", "Serves until a signal ends it. What runs when no command is given.")));
        root.Add(RunCommand.Create());
        foreach (var command in ClientCommands.Create())
            root.Add(command);
        root.Add(TokenCommands.Create());
        return root;
    }

    private static int Fail(int status, string message)
    {
        Console.Error.WriteLine($"builds: {message}");
        return status;
    }
}
