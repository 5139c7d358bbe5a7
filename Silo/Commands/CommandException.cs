namespace Builds.Commands;

/// <summary>Ends a command with one message for people.</summary>
internal sealed class CommandException(int exitCode, string message) : Exception(message)
{
    public int ExitCode => exitCode;
}
