using Builds.Support;

namespace Builds.Tests.Chaos;

internal static class DatabaseReturns
{
    private const int Tries = 20;

    /// <summary>Starts a server that was stopped or killed. The last of a killed one may still be on its way out.</summary>
    public static async Task StartAgain(this PostgresServer server)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await server.Start();
                return;
            }
            catch (InvalidOperationException) when (tries < Tries)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500));
            }
        }
    }
}
