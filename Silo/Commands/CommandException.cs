namespace Builds.Commands;

/// <summary>Ends a command with one message for people.</summary>
internal class CommandException(int exitCode, string message) : Exception(message)
{
    public int ExitCode => exitCode;
}

/// <summary>The server cannot be reached, or says that it cannot answer now.</summary>
internal sealed class ServerGoneException(string message) : CommandException(Commands.ExitCode.CouldNotRun, message);
