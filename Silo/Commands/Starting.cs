using Microsoft.AspNetCore.Connections;

namespace Builds.Commands;

/// <summary>Starts a host; what commonly goes wrong there becomes one message.</summary>
internal static class Starting
{
    public static async Task Start(IHost host)
    {
        try
        {
            await host.StartAsync();
        }
        catch (Exception error)
        {
            // What did start ends in good order, so that nothing else has a word to say about this.
            await host.StopAsync();
            throw Explain(error);
        }
    }

    private static Exception Explain(Exception error) => error switch
    {
        IOException { InnerException: AddressInUseException } =>
            new CommandException(ExitCode.CouldNotRun, $"{error.Message.TrimEnd('.')}. Stop the program that uses it, or choose another address with --urls."),
        _ => error,
    };
}
